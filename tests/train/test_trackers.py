"""Trackers: asked for before anything is loaded, written beside the adapter."""

from __future__ import annotations

import struct
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


def scalars(folder: Path, name: str) -> dict[int, float]:
    """Return a curve of a TensorBoard file: records of length, checksum, event, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = folder.glob("events*")
    data, at, found = path.read_bytes(), 0, {}
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        for value in event.summary.value:
            if value.tag == name:
                found[event.step] = value.simple_value
        at += length + 16
    return found


def test_tensorboard_gets_the_curves(
    tiny: str, pairs: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    wanted = settings["sft"].model_copy(update={"report_to": ["tensorboard"], "max_steps": 3})
    result = train_sft(pairs, tiny, "finetuned", wanted, tmp_path, 0)
    losses = scalars(tmp_path / "tensorboard", "train/loss")
    assert sorted(losses) == [1, 2, 3]
    assert losses[3] == pytest.approx(result.loss)


def test_another_tracker_is_no_reason_to_train_again(
    tiny: str, pairs: Any, settings: Any, tmp_path: Path
) -> None:
    first = train_sft(pairs[:4], tiny, "finetuned", settings["sft"], tmp_path, 0)
    other = settings["sft"].model_copy(update={"report_to": ["tensorboard"]})
    assert train_sft(pairs[:4], tiny, "finetuned", other, tmp_path, 0) == first
