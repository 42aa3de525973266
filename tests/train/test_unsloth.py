"""Training on Unsloth, in a process of its own because Unsloth replaces parts of TRL for good."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from codealign.train.align import train_align
from codealign.train.sft import train_sft

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[2])
from tiny import make_tiny
from train.conftest import FAST, make_pairs
from codealign.params import Bonbon, Dpo, Sft
from codealign.train.align import train_align
from codealign.train.sft import train_sft

root, fast = sys.argv[1], FAST | {"backend": "unsloth", "max_steps": 6}
pairs, model = make_pairs(), str(make_tiny(root + "/tiny"))
for out in ("sft", "again"):
    train_sft(pairs, model, "finetuned", Sft(**fast), f"{root}/{out}", 0)
for stage, settings in (("dpo", Dpo(**fast)), ("bonbon", Bonbon(**fast))):
    train_align(pairs, f"{root}/sft", stage, settings, f"{root}/{stage}", 0)
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("unsloth") is None, reason="Unsloth is not installed"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, tests = tmp_path_factory.mktemp("unsloth"), Path(__file__).parents[1]
    command = [sys.executable, "-c", SCRIPT, str(root), str(tests)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root


def log(folder: Path) -> list[dict]:
    lines = (folder / "trainer_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("stage", ["sft", "dpo", "bonbon"])
def test_every_stage_trains(trained: Path, stage: str) -> None:
    assert json.loads((trained / stage / "training.json").read_text())["steps"] == 6


def test_alignment_starts_with_margin_0(trained: Path) -> None:
    assert log(trained / "dpo")[0]["gap"] == log(trained / "bonbon")[0]["gap"] == 0


def test_the_same_seed_gives_the_same_bits(trained: Path) -> None:
    one, two = ((trained / f / "adapter_model.safetensors").read_bytes() for f in ("sft", "again"))
    assert one == two


@pytest.fixture(scope="module")
def plain(tiny: str, pairs: list, settings: dict, tmp_path_factory) -> Path:
    """The same training on plain PEFT."""
    root = tmp_path_factory.mktemp("plain")
    few = {stage: s.model_copy(update={"max_steps": 6}) for stage, s in settings.items()}
    train_sft(pairs, tiny, "finetuned", few["sft"], root / "sft", 0)
    for stage in ("dpo", "bonbon"):
        train_align(pairs, root / "sft", stage, few[stage], root / stage, 0)
    return root


@pytest.mark.parametrize("stage", ["sft", "dpo", "bonbon"])
def test_the_losses_are_those_of_plain_peft(trained: Path, plain: Path, stage: str) -> None:
    theirs, ours = log(trained / stage), log(plain / stage)
    for step in (0, 5):
        assert theirs[step]["loss"] == pytest.approx(ours[step]["loss"], rel=2e-3)
