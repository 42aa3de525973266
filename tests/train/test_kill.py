"""kill -9 in the middle of a training, then the same command again: the same bits at the end."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
backend, stage, root, out, kill_at = *sys.argv[2:6], int(sys.argv[6])
from pathlib import Path
if backend == "unsloth":
    from codealign.weights import require_unsloth
    require_unsloth()
from tiny import make_tiny
from train.conftest import FAST, make_pairs
from codealign.params import Bonbon, Dpo, Sft
from codealign.train import trainers
from codealign.train.align import train_align
from codealign.train.sft import train_sft

fast, model, pairs = FAST | {"backend": backend, "epochs": 2.0}, f"{root}/tiny", make_pairs()
if not Path(model).exists():
    make_tiny(model)
if stage != "sft":
    train_sft(pairs, model, "finetuned", Sft(**fast), f"{root}/sft", 0)
step = trainers.Steady.training_step
def deadly(self, *args, **kwargs):
    if self.state.global_step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args, **kwargs)
trainers.Steady.training_step = deadly
if stage == "sft":
    train_sft(pairs, model, "finetuned", Sft(**fast), out, 0)
else:
    settings = {"dpo": Dpo, "bonbon": Bonbon}[stage](**fast)
    train_align(pairs, f"{root}/sft", stage, settings, out, 0)
"""
HERE = str(Path(__file__).parents[1])


def train(backend: str, stage: str, root: Path, out: str, kill_at: int = -1) -> int:
    """Train in a process of its own; return its exit code."""
    arguments = [HERE, backend, stage, str(root), str(root / out), str(kill_at)]
    return subprocess.run([sys.executable, "-c", SCRIPT, *arguments], cwd=root).returncode


@pytest.mark.long
@pytest.mark.parametrize("stage", ["sft", "dpo", "bonbon"])
@pytest.mark.parametrize("backend", ["peft", "unsloth"])
def test_a_killed_process_is_continued_to_the_same_bits(
    backend: str, stage: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    assert train(backend, stage, tmp_path, "whole") == 0
    assert train(backend, stage, tmp_path, "cut", kill_at=8) == -signal.SIGKILL
    assert (tmp_path / "cut/checkpoints/checkpoint-6/complete").exists()
    assert not (tmp_path / "cut/adapter_model.safetensors").exists()
    assert train(backend, stage, tmp_path, "cut") == 0
    one, two = ((tmp_path / f / "adapter_model.safetensors") for f in ("whole", "cut"))
    assert one.read_bytes() == two.read_bytes()
