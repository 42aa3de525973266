"""Ratings are gathered over models under ids that say whose answer was rated."""

from __future__ import annotations

import pytest

from codealign.analysis.agreement import pair
from codealign.analysis.ratings import SECOND, read_ratings, second_ratings
from codealign.records import Rating, write_jsonl


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
    paired = pair(read_ratings(run), second_ratings(run))
    assert (paired.first, paired.second, paired.unrated) == ([7], [6], 1)


def test_human_ratings_take_the_second_judges_place(run) -> None:
    path = run / "human.csv"
    path.write_text("id,dimension,rating\nnano/pretrained/base/p1,style,9\n")
    assert [r.judge for r in second_ratings(run, str(path))] == ["human"]


def test_a_run_without_ratings_gives_none(tmp_path) -> None:
    assert read_ratings(tmp_path) == []
