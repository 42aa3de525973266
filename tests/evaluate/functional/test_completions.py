"""Completions of several benchmarks, asked together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional.completions import collect_completions, collect_together
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


def test_one_call_asks_every_benchmark_and_each_gets_its_own_answers(tmp_path: Path) -> None:
    engine = Scripted()
    found = collect_together(ASKED, engine, tmp_path)
    assert engine.asked == [["p0", "p1", "q0"]]
    assert {n: [(s.task_id, s.completion) for s in some] for n, some in found.items()} == {
        "a": [("T/0", "P0"), ("T/1", "P1")],
        "b": [("T/0", "Q0")],
    }


def test_the_files_are_those_of_benchmarks_asked_alone(tmp_path: Path) -> None:
    collect_together(ASKED, Scripted(), tmp_path / "together")
    for name, some in ASKED.items():
        alone = tmp_path / "alone" / name / "completions.jsonl"
        collect_completions(some, Scripted(), alone)
        together = tmp_path / "together" / name / "completions.jsonl"
        for path in (alone, together):
            assert path.exists()
        assert alone.read_bytes() == together.read_bytes()


def test_what_was_answered_before_a_kill_is_not_asked_again(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="none for 1 items"):
        collect_together(ASKED, Scripted(most=2), tmp_path)
    engine = Scripted()
    found = collect_together(ASKED, engine, tmp_path)
    assert engine.asked == [["p0"]]
    assert [s.completion for s in found["a"]] == ["P0", "P1"]


@pytest.mark.parametrize("chat", [False, True])
def test_benchmarks_asked_together_end_at_the_same_strings(chat: bool) -> None:
    groups = with_same_stops(BENCHMARKS, chat)
    assert sorted(name for some in groups.values() for name in some) == sorted(BENCHMARKS)
    for stop, some in groups.items():
        assert all(tuple(stops(name, chat)) == stop for name in some)
