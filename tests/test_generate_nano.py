"""On the embedded model: one sample per item and index, whatever the batch it was made in."""

from __future__ import annotations

import pytest

from codealign.generate import Completion, Request, generate, open_engine
from codealign.generate.local import LocalEngine
from codealign.params import Generation

TASKS = ("Return the even numbers.", "Return the longest word.", "Sort the names, then reverse.")
ITEMS = [
    Request(f"{i}", "### Instruction\n" + f"{task}\n" * (1 + i % 3) + "### Response\n")
    for i, task in enumerate(TASKS * 2)
]
SETTINGS = Generation(temperature=0.9, max_new_tokens=40, batch_size=128)
Samples = dict[tuple[str, int], Completion]


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return open_engine("transformers", "nano", "pretrained")


@pytest.fixture(scope="module")
def alone(engine: LocalEngine) -> Samples:
    """Each sample made by itself: no padding, no neighbours."""
    return sample(engine, batch_size=1)


def sample(engine: LocalEngine, items=ITEMS, n: int = 4, **changed) -> Samples:
    settings = SETTINGS.model_copy(update=changed)
    return {(c.id, c.index): c for c in generate(items, engine, settings, n)}


@pytest.mark.parametrize("size", [5, 128])
def test_a_batch_with_left_padding_gives_the_samples_made_alone(engine, alone, size) -> None:
    assert sample(engine, batch_size=size) == alone


def test_so_do_another_order_a_selection_and_fewer_samples(engine, alone) -> None:
    some = sample(engine, ITEMS[::-2], 2, batch_size=7)
    assert len(some) == 3 * 2
    assert some == {key: alone[key] for key in some}


def test_so_does_the_nucleus(engine) -> None:
    wanted = sample(engine, n=2, batch_size=1, top_p=0.9)
    assert sample(engine, n=2, batch_size=9, top_p=0.9) == wanted


def test_so_does_greedy_decoding(engine) -> None:
    wanted = sample(engine, n=1, batch_size=1, temperature=0.0)
    assert sample(engine, n=1, batch_size=6, temperature=0.0) == wanted
