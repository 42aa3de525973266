"""Trackers: asked for before anything is loaded, written beside the adapter."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from codealign.errors import CodealignError
from codealign.train import trackers
from codealign.train.sft import train_sft


def test_a_missing_tracker_is_named_before_the_model_is_loaded(
    pairs: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    wanted = settings["sft"].model_copy(update={"report_to": ["trackio"]})
    with pytest.raises(CodealignError, match="trackio is not installed; `pip install trackio`"):
        train_sft(pairs, "no such model", "finetuned", wanted, tmp_path, 0)


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed"
)
def test_tensorboard_gets_the_curves(
    tiny: str, pairs: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    wanted = settings["sft"].model_copy(update={"report_to": ["tensorboard"], "max_steps": 3})
    result = train_sft(pairs, tiny, "finetuned", wanted, tmp_path, 0)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    losses = events.Scalars("train/loss")
    assert [e.step for e in losses] == [1, 2, 3]
    assert losses[-1].value == pytest.approx(result.loss)


def test_another_tracker_is_no_reason_to_train_again(
    tiny: str, pairs: Any, settings: Any, tmp_path: Path
) -> None:
    first = train_sft(pairs[:4], tiny, "finetuned", settings["sft"], tmp_path, 0)
    other = settings["sft"].model_copy(update={"report_to": ["tensorboard"]})
    assert train_sft(pairs[:4], tiny, "finetuned", other, tmp_path, 0) == first
