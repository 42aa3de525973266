"""One tiny model, one set of pairs and one finished SFT adapter for all training tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import make_tiny

from codealign.params import Bonbon, Dpo, Sft
from codealign.records import Pair
from codealign.train.sft import train_sft

FAST: dict[str, Any] = {
    "backend": "peft",
    "epochs": 1.0,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "warmup_steps": 1,
    "save_steps": 3,
    "bf16": False,
}


def make_pairs(count: int = 24) -> list[Pair]:
    """Return pairs of many lengths, so that batches are padded."""
    return [
        Pair(
            id=f"p{i}",
            instruction_id=f"i{i}",
            prompt=f"Add {i} to x." + " Please." * (i % 3),
            chosen=f"def f(x):\n    return x + {i}\n" + "# yes\n" * (i % 4),
            rejected=f"def f(x):\n    return x - {i}\n" + "# no\n" * (i % 5),
        )
        for i in range(count)
    ]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    return make_pairs()


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    return {"sft": Sft(**FAST), "dpo": Dpo(**FAST), "bonbon": Bonbon(**FAST)}


@pytest.fixture(scope="session")
def sft(tiny: str, pairs: list[Pair], settings: dict, tmp_path_factory) -> Path:
    """The folder of a finished SFT adapter."""
    folder = tmp_path_factory.mktemp("sft")
    train_sft(pairs, tiny, "finetuned", settings["sft"], folder, seed=0)
    return folder
