"""Ratings are gathered over models under ids that say whose answer was rated."""

from __future__ import annotations

import json

import pytest

from codealign.analysis.agreement import pair
from codealign.analysis.ratings import SECOND, read_ratings
from codealign.cell import Cell
from codealign.records import Rating, write_jsonl, write_text


def rating(judge: str, value: float | None) -> Rating:
    return Rating("p1", "style", judge, value, "" if value else "no rating found", "hash")


@pytest.fixture
def run(tmp_path):
    for stage in ("base", "sft"):
        folder = tmp_path / f"evals/nano/pretrained/non_functional/{stage}/codal"
        write_jsonl(folder / "ratings.jsonl", [rating("static", 7.0)])
        write_jsonl(folder / SECOND, [rating("static_b", 6.0 if stage == "sft" else None)])
    return tmp_path


def test_the_same_problem_of_two_models_stays_two_items(run) -> None:
    assert [r.id for r in read_ratings(run)] == [
        "nano/pretrained/base/p1",
        "nano/pretrained/sft/p1",
    ]


def test_the_second_judge_is_paired_with_the_first(run) -> None:
    paired = pair(read_ratings(run), read_ratings(run, SECOND))
    assert (paired.first, paired.second, paired.unrated) == ([7], [6], 1)


def test_a_run_without_ratings_gives_none(tmp_path) -> None:
    assert read_ratings(tmp_path) == []


def test_answers_of_several_seeds_are_several_items(tmp_path) -> None:
    parts = [".", "seeds/3", "seeds/3/ablations/align/x"]
    write_text(tmp_path / "plan.lock.json", json.dumps({"parts": parts}))
    for part in parts:
        folder = tmp_path / part / "evals/nano/pretrained/non_functional/sft/codal"
        write_jsonl(folder / "ratings.jsonl", [rating("static", 7.0)])
    ratings = read_ratings(tmp_path)
    assert [r.id for r in ratings] == ["nano/pretrained/sft/p1", "seed3/nano/pretrained/sft/p1"]
    sft = Cell("nano", "pretrained", "non_functional", "sft")
    assert [(r.cell, r.problem) for r in ratings] == [(sft, "p1"), (sft.at(seed=3), "p1")]
