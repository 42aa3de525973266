"""Completions of several benchmarks, asked together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional.completions import collect
from codealign.evaluate.functional.prompts import stops, with_same_stops
from codealign.evaluate.functional.registry import BENCHMARKS
from codealign.generate import Completion, Request

ASKED = {"a": [Request("T/0", "p0"), Request("T/1", "p1")], "b": [Request("T/0", "q0")]}


class Scripted:
    """Answers a prompt with itself in capitals, last request first; keeps what it was asked."""

    def __init__(self, most: int = 99) -> None:
        self.most, self.asked = most, []

    def __call__(self, items: Sequence[Request], **_: object) -> Iterator[Completion]:
        self.asked.append([request.prompt for request in items])
        for request in list(items)[::-1][: self.most]:
            yield Completion(request.id, 0, request.prompt.upper(), "stop", 1)


def places(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ASKED}


def test_one_call_asks_every_benchmark_and_each_gets_its_own_answers(tmp_path: Path) -> None:
    engine = Scripted()
    samples = collect(ASKED, engine, places(tmp_path))
    assert engine.asked == [["p0", "p1", "q0"]]
    assert {n: [(s.task_id, s.completion) for s in some] for n, some in samples.items()} == {
        "a": [("T/0", "P0"), ("T/1", "P1")],
        "b": [("T/0", "Q0")],
    }


def test_the_files_are_those_of_benchmarks_asked_alone(tmp_path: Path) -> None:
    together, alone = places(tmp_path / "together"), places(tmp_path / "alone")
    collect(ASKED, Scripted(), together)
    for name, some in ASKED.items():
        collect({name: some}, Scripted(), alone)
        one, other = (of[name] / "completions.jsonl" for of in (together, alone))
        assert one.read_bytes() == other.read_bytes() != b""


def test_what_was_answered_before_a_kill_is_not_asked_again(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="none for 1 items"):
        collect(ASKED, Scripted(most=2), places(tmp_path))
    engine = Scripted()
    samples = collect(ASKED, engine, places(tmp_path))
    assert engine.asked == [["p0"]]
    assert [s.completion for s in samples["a"]] == ["P0", "P1"]


class Sampler(Scripted):
    """Gives every sample that is wanted; keeps the ids by which samples are seeded."""

    def __call__(self, items, n: int = 1, done=(), **_: object) -> Iterator[Completion]:
        for request in items:
            for index in range(n):
                if (request.id, index) not in done:
                    self.asked.append((request.id, index))
                    yield Completion(request.id, index, f"{request.prompt} {index}", "stop", 1)


def test_a_benchmark_asked_alone_is_sampled_under_its_own_ids(tmp_path: Path) -> None:
    """Samples are seeded by their ids: they must not change with what is asked beside them."""
    engine = Sampler()
    samples = collect({"a": ASKED["a"][:1]}, engine, places(tmp_path), n=2)
    assert engine.asked == [("T/0", 0), ("T/0", 1)]
    assert [s.completion for s in samples["a"]] == ["p0 0", "p0 1"]


def test_completions_of_another_key_are_not_reused(tmp_path: Path) -> None:
    engine = Scripted()
    for key in ("one model", "another"):
        collect({"b": ASKED["b"]}, engine, places(tmp_path), key=key)
    assert engine.asked == [["q0"], ["q0"]]


@pytest.mark.parametrize("chat", [False, True])
def test_benchmarks_asked_together_end_at_the_same_strings(chat: bool) -> None:
    groups = with_same_stops(BENCHMARKS, chat)
    assert sorted(name for some in groups.values() for name in some) == sorted(BENCHMARKS)
    for stop, some in groups.items():
        assert all(tuple(stops(name, chat)) == stop for name in some)
