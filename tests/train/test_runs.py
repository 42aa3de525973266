"""Training runs on a tiny model: same seeds, kills, faults, and what is left in the folder."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from codealign.errors import CodealignError
from codealign.generate import Request, generate, open_engine
from codealign.models import load
from codealign.params import Bonbon, Dpo, Generation, Sft
from codealign.records import Pair
from codealign.text import chat_prompt
from codealign.train import checkpoints, trainers
from codealign.train.align import train_align
from codealign.train.curves import ALIGN_COLUMNS, SFT_COLUMNS, curves
from codealign.train.run import TrainResult
from codealign.train.sft import train_sft

STAGES = ["sft", "dpo", "bonbon"]


@pytest.fixture
def train(tiny: str, pairs: list[Pair], settings: dict[str, Any], sft: Path):
    """Train one stage into a folder; keywords replace settings."""

    def run(stage: str, out: Path, seed: int = 0, data: list[Pair] = pairs, **more: Any):
        chosen = settings[stage].model_copy(update=more)
        if stage == "sft":
            return train_sft(data, tiny, "finetuned", chosen, out, seed)
        return train_align(data, sft, stage, chosen, out, seed)

    return run


def weights(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing is tidied up."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    original = trainers.Steady.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        if self.state.global_step == step:
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(trainers.Steady, "training_step", training_step)


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_ends_with_the_bits_of_an_uninterrupted_one(
    stage: str, train: Any, tmp_path: Path
) -> None:
    whole = train(stage, tmp_path / "whole", epochs=2.0)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 8)
        with pytest.raises(Killed):
            train(stage, tmp_path / "cut", epochs=2.0)
    assert checkpoints.last(tmp_path / "cut" / "checkpoints").endswith("checkpoint-6")
    resumed = train(stage, tmp_path / "cut", epochs=2.0)
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    assert (resumed.steps, resumed.tokens) == (whole.steps, whole.tokens)
    steps = curves(resumed.log).step.tolist()
    assert steps == curves(whole.log).step.tolist() == list(range(1, 13))


@pytest.mark.parametrize("stage", STAGES)
def test_the_same_seed_gives_the_same_bits(stage: str, train: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(stage, tmp_path / name, max_steps=3)
    assert weights(tmp_path / "one") == weights(tmp_path / "two")


@pytest.mark.parametrize("stage", STAGES)
def test_another_seed_gives_another_adapter(stage: str, train: Any, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(stage, tmp_path / str(seed), seed=seed, max_steps=3)
    assert weights(tmp_path / "0") != weights(tmp_path / "1")


def test_a_checkpoint_cut_short_by_a_kill_is_not_used(train: Any, tmp_path: Path) -> None:
    train("sft", tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 5)
        with pytest.raises(Killed):
            train("sft", tmp_path / "cut")
    torn = tmp_path / "cut" / "checkpoints" / "checkpoint-5"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_')
    train("sft", tmp_path / "cut")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_checkpoints_of_other_data_are_not_continued(
    train: Any, pairs: Any, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 5)
        with pytest.raises(Killed):
            train("sft", tmp_path / "changed")
    for folder in ("changed", "fresh"):
        train("sft", tmp_path / folder, data=pairs[:16])
    assert weights(tmp_path / "changed") == weights(tmp_path / "fresh")


def test_a_finished_run_is_not_trained_again(train: Any, tmp_path: Path) -> None:
    first = train("sft", tmp_path, max_steps=2)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 0)
        assert train("sft", tmp_path, max_steps=2) == first


def test_a_finished_run_with_other_settings_is_trained_again(train: Any, tmp_path: Path) -> None:
    train("sft", tmp_path, max_steps=2)
    assert train("sft", tmp_path, max_steps=3).steps == 3


def test_a_moved_run_is_still_finished(train: Any, tmp_path: Path) -> None:
    train("sft", tmp_path / "old", max_steps=2)
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 0)
        assert train("sft", tmp_path / "new", max_steps=2).adapter == str(tmp_path / "new")


def test_a_run_whose_adapter_is_gone_is_trained_again(train: Any, tmp_path: Path) -> None:
    train("sft", tmp_path, max_steps=2)
    before = weights(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    train("sft", tmp_path, max_steps=2)
    assert weights(tmp_path) == before


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_checkpoint(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = trainers.Supervised.compute_loss

    def broken(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = original(self, model, inputs, *args, **kwargs)
        return loss * float("nan") if self.state.global_step == 4 else loss

    monkeypatch.setattr(trainers.Supervised, "compute_loss", broken)
    with pytest.raises(CodealignError, match="the loss is nan at step 4.*Lower learning_rate"):
        train("sft", tmp_path)
    assert checkpoints.last(tmp_path / "checkpoints").endswith("checkpoint-3")


FULL_DISK = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from train.conftest import FAST, make_pairs
from codealign.params import Sft
from codealign.train.sft import train_sft

if len(sys.argv) > 4:  # no file may grow beyond so many bytes: what a full disk does to a write
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
train_sft(make_pairs(), sys.argv[2], "finetuned", Sft(**FAST), sys.argv[3], 0)
"""


def test_a_full_disk_stops_with_its_name_and_the_checkpoint_is_continued(
    train: Any, tiny: str, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 5)
        with pytest.raises(Killed):
            train("sft", tmp_path / "cut")
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", FULL_DISK, tests, tiny, str(tmp_path / "cut"), "20000"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "the disk is full" in done.stderr and "run again" in done.stderr
    assert checkpoints.last(tmp_path / "cut" / "checkpoints").endswith("checkpoint-3")
    train("sft", tmp_path / "cut")
    train("sft", tmp_path / "whole")
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_errors_that_are_not_of_the_disk_pass_through(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"), checkpoints.full_disk_explained(tmp_path):
        raise OSError(5, "gone")


def test_too_much_truncation_is_refused_before_training(train: Any, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="24 of 24 pairs are longer than max_length = 16"):
        train("sft", tmp_path, max_length=16)


def test_alignment_needs_a_finished_sft(pairs: Any, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no finished SFT here"):
        train_align(pairs, tmp_path / "none", "dpo", Dpo(), tmp_path / "dpo", 0)


def test_alignment_may_start_from_the_base(
    tiny: str, pairs: list[Pair], settings: dict[str, Any], tmp_path: Path
) -> None:
    chosen = settings["dpo"].model_copy(update={"start": "base", "logging_steps": 1})
    result = train_align(pairs, (tiny, "finetuned"), "dpo", chosen, tmp_path, 0)
    first = curves(tmp_path / "trainer_log.jsonl").iloc[0]
    assert result.variant == "finetuned"
    assert first.loss == pytest.approx(math.log(2), abs=1e-4)


def test_settings_of_the_other_technique_are_refused(pairs: Any, sft: Path, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="'dpo' with Bonbon params"):
        train_align(pairs, sft, "dpo", Bonbon(), tmp_path, 0)


@pytest.mark.parametrize("stage", ["dpo", "bonbon"])
def test_an_adapter_folder_names_its_base_and_what_made_it(
    stage: str, train: Any, tiny: str, tmp_path: Path
) -> None:
    result = train(stage, tmp_path, max_steps=2)
    card = (tmp_path / "README.md").read_text()
    assert f"base_model: {tiny}/finetuned" in card and "24 preference pairs" in card
    stored = json.loads((tmp_path / "training.json").read_text())
    assert TrainResult(**stored) == result
    assert not (tmp_path / "checkpoints").exists()


def test_curves_have_one_row_a_step_and_the_documented_columns(train: Any, tmp_path: Path) -> None:
    sft_curves = curves(train("sft", tmp_path / "sft").log)
    dpo_curves = curves(train("dpo", tmp_path / "dpo").log)
    assert tuple(sft_curves.columns) == SFT_COLUMNS and len(sft_curves) == 6
    assert (
        tuple(dpo_curves.columns) == ALIGN_COLUMNS and dpo_curves.elapsed_s.is_monotonic_increasing
    )


def test_the_trained_model_writes_the_response_and_ends_it(tiny: str, tmp_path: Path) -> None:
    pair = Pair("p", "i", "Say it.", "yes, it is\n", "no\n")
    settings = Sft(
        backend="peft", epochs=80.0, batch_size=1, learning_rate=2e-2, warmup_steps=1, bf16=False
    )
    train_sft([pair], tiny, "finetuned", settings, tmp_path, seed=0)
    engine = open_engine("transformers", tiny, "finetuned", str(tmp_path))
    request = Request("r", engine.chat("Say it."))
    (answer,) = generate([request], engine, Generation(temperature=0.0, max_new_tokens=40))
    assert (answer.text, answer.finish) == ("yes, it is\n", "stop")


def test_an_adapter_is_merged_for_generation_without_changing_what_it_says(
    tiny: str, sft: Path
) -> None:
    merged, tokenizer = load(tiny, "finetuned", sft, training=False)
    trained, _ = load(tiny, "finetuned", sft, backend="peft", training=True)
    ids = torch.tensor([tokenizer(chat_prompt(tokenizer, "Add 3 to x."))["input_ids"]])
    with torch.no_grad():
        torch.testing.assert_close(
            merged(ids).logits, trained.eval()(ids).logits, rtol=1e-4, atol=1e-5
        )
