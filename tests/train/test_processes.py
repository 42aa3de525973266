"""Two processes under `accelerate launch`: the documented command against one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny import make_tiny
from train.conftest import make_pairs

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.records import write_jsonl
from codealign.train import processes

# Two processes of 2 are one of 4. Plain gradient descent would be equal but for rounding; Adam
# divides by the gradient's own size, so that rounding shows where a gradient is nearly 0.
SETTINGS = {
    "backend": "peft", "epochs": 2.0, "learning_rate": 1.0e-3, "warmup_steps": 1, "bf16": False,
    "save_steps": 100,
}  # fmt: skip
LAUNCH = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--module")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model of its own and its pairs, in one run for each number of processes."""
    root = tmp_path_factory.mktemp("project")
    (root / "params").mkdir()
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    model = make_tiny(root / "model")
    hub = {variant: str(model / variant) for variant in ("pretrained", "finetuned")}
    registry = {"mine": {"family": "llama", "hub": hub, "chat": ["finetuned"]}}
    (root / "params/models.yaml").write_text(yaml.safe_dump(registry))
    for name, size in (("one", 4), ("two", 2)):
        stage = {**SETTINGS, "batch_size": size}
        profile = {"profile": name, "models": ["mine"], "sft": stage}
        profile["align"] = {"dpo": stage, "bonbon": stage}
        (root / f"params/{name}.yaml").write_text(yaml.safe_dump(profile))
        write_jsonl(root / f"runs/{name}/prefs/mine/functional/pairs.jsonl", make_pairs())
    return root


def train(project: Path, name: str, stage: str, launcher: tuple[str, ...]) -> None:
    options = ("--model", "mine", "--variant", "finetuned")
    command = [sys.executable, *launcher, "codealign.cli", "train", f"params/{name}.yaml", stage]
    done = subprocess.run(
        [*command, *options], cwd=project, env={**os.environ, "CODEALIGN_PROJECT": str(project)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def log(project: Path, name: str, stage: str) -> list[dict]:
    path = project / f"runs/{name}/checkpoints/mine/finetuned/functional/{stage}/trainer_log.jsonl"
    return [e for e in map(json.loads, path.read_text().splitlines()) if "loss" in e]


@pytest.mark.long
def test_two_processes_train_like_one_with_their_batches_together(project: Path) -> None:
    for stage in ("sft", "dpo", "bonbon"):
        train(project, "one", stage, ("-m",))
        train(project, "two", stage, LAUNCH)
        one, two = log(project, "one", stage), log(project, "two", stage)
        assert len(one) == len(two) == 12
        assert [e["loss"] for e in two] == pytest.approx([e["loss"] for e in one], rel=2e-2)
        # before Adam's first steps have magnified any rounding
        assert two[0]["loss"] == pytest.approx(one[0]["loss"], rel=1e-5)
        assert two[0]["grad_norm"] == pytest.approx(one[0]["grad_norm"], rel=1e-3)
    assert two[0]["gap"] == 0


def test_several_processes_are_refused_on_unsloth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CodealignError, match="2 processes with backend: unsloth.*backend: peft"):
        processes.check_backend("unsloth")
    processes.check_backend("peft")


def test_one_process_is_the_main_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert processes.is_main()
    monkeypatch.setenv("RANK", "1")
    assert not processes.is_main()
