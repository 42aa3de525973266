"""Finished adapters: merged into a model that is used like any other, published on demand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hub_server
import pytest
import torch
from tiny import make_tiny
from train.conftest import FAST, make_pairs

from codealign.analysis.gating import FILE, Gate
from codealign.commands.training import merge_adapter, push_adapter
from codealign.errors import CodealignError
from codealign.models import load
from codealign.params import Sft
from codealign.records import write_jsonl
from codealign.text import load_tokenizer
from codealign.train.sft import train_sft

CELL = "mine/finetuned/functional/sft"


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter where a run keeps it."""
    root = tmp_path_factory.mktemp("run")
    folder = root / "checkpoints" / CELL
    few = Sft(**{**FAST, "max_steps": 2})
    train_sft(make_pairs(8), str(make_tiny(root / "tiny")), "finetuned", few, folder, 0)
    return folder


@pytest.fixture
def stopped(adapter: Path) -> Any:
    """The gate R9 has said stop."""
    scores = adapter.parents[4] / "evals" / CELL
    write_jsonl(scores / FILE, [Gate("R9", False, "alignment has harmed the model", "stop")])
    yield
    (scores / FILE).unlink()


def test_the_merged_model_computes_what_model_and_adapter_do(adapter: Path, tmp_path: Path) -> None:
    assert merge_adapter(adapter, tmp_path / "merged") == tmp_path / "merged/finetuned"
    merged, tokenizer = load(str(tmp_path / "merged"), "finetuned", training=False)
    model = json.loads((adapter / "training.json").read_text())["model"]
    both, _ = load(model, "finetuned", adapter, training=False)
    ids = torch.tensor([tokenizer("def f(x):")["input_ids"]])
    assert torch.equal(merged(ids).logits, both(ids).logits)


def test_a_model_trained_in_the_plain_format_is_merged_without_a_chat_template(
    tmp_path: Path,
) -> None:
    model = make_tiny(tmp_path / "tiny")
    shutil.rmtree(model / "pretrained")
    (model / "finetuned").rename(model / "pretrained")  # a base model that brings a template
    few = Sft(**{**FAST, "max_steps": 1})
    train_sft(make_pairs(8), str(model), "pretrained", few, tmp_path / "sft", 0)
    merged = merge_adapter(tmp_path / "sft", tmp_path / "merged")
    assert load_tokenizer(str(merged)).chat_template is None


def test_nothing_is_written_over(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "finetuned").mkdir()
    (tmp_path / "finetuned/notes.txt").write_text("mine")
    with pytest.raises(CodealignError, match="not empty"):
        merge_adapter(adapter, tmp_path)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no finished adapter here"):
        merge_adapter(tmp_path, tmp_path / "out")


def test_an_adapter_that_a_gate_stops_is_merged_only_on_demand(
    adapter: Path, stopped: None, tmp_path: Path
) -> None:
    with pytest.raises(CodealignError, match="R9 failed .stops merging.*--anyway"):
        merge_adapter(adapter, tmp_path)
    assert merge_adapter(adapter, tmp_path, anyway=True).exists()


def test_publishing_needs_a_token(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(CodealignError, match="not logged in; run `hf auth login`"):
        push_adapter(adapter, "me/adapter")


def test_a_published_adapter_has_its_card_and_no_checkpoints(adapter: Path) -> None:
    with hub_server.running() as hub:
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.address,
            "HF_TOKEN": "good",
            "HF_HUB_DISABLE_XET": "1",
        }
        environment.pop("HF_HUB_OFFLINE", None)
        command = [sys.executable, "-m", "codealign.cli", "push-adapter", str(adapter)]
        done = subprocess.run(
            [*command, "--repo", "me/adapter"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert {"README.md", "adapter_config.json", "adapter_model.safetensors"} <= set(hub.files)
        assert not any("checkpoint" in name for name in hub.files)
        assert hub.made[0]["visibility"] == "private"
