"""Measured scores: means with n, missing and an interval, and the per-problem values."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from codealign.analysis.changes import collect_items
from codealign.analysis.measured import score_of, write_measured
from codealign.analysis.scores import collect, write_scores
from codealign.cell import Cell

CELL = Cell("nano", "pretrained", "functional", "base", seed=0)


def test_pass_at_1_is_the_share_of_solved_problems_with_wilsons_interval() -> None:
    score = score_of(
        "mine", CELL.at(benchmark="humaneval"), {"a": 1.0, "b": 0.0, "c": 1.0, "d": 1.0}
    )
    # By hand, 3 of 4, z = 1.96: centre (3 + 1.9208) / (4 + 3.8416) = 0.6275,
    # half width 1.96 / 7.8416 * sqrt(3 * 1 / 4 + 0.9604) = 0.3269.
    assert (score.value, score.n, score.missing) == (0.75, 4, 0)
    assert score.low == pytest.approx(0.3006, abs=1e-3)
    assert score.high == pytest.approx(0.9544, abs=1e-3)


def test_an_unscored_problem_is_missing_and_not_a_zero() -> None:
    score = score_of("mine", CELL.at(benchmark="evalperf"), {"a": 80.0, "b": None, "c": 60.0})
    assert (score.value, score.n, score.missing) == (70.0, 2, 1)


def test_nothing_scored_gives_no_value() -> None:
    score = score_of("mine", CELL.at(benchmark="evalperf"), {"a": None})
    assert math.isnan(score.value)
    assert (score.n, score.missing, score.low) == (0, 1, None)


def test_what_is_written_is_what_is_collected(tmp_path) -> None:
    folder = tmp_path / "evals/nano/pretrained/functional/base"
    write_measured(
        folder, "mine", CELL, {"humaneval": {"a": 1.0, "b": 0.0}, "evalperf": {"a": None}}
    )
    scores = collect(tmp_path)
    assert list(scores["benchmark"]) == ["humaneval", "evalperf"]
    items = collect_items(tmp_path)
    assert items[Cell("nano", "pretrained", "functional", "base", "humaneval")] == {
        "a": 1.0,
        "b": 0.0,
    }


def test_failures_by_kind_stand_beside_the_score_and_survive_the_csv(tmp_path: Path) -> None:
    told = {"humaneval": "wrong 1"}
    values = {"humaneval": {"a": 1.0, "b": 0.0}, "mbpp": {"c": 1.0}}
    frame = write_measured(tmp_path, "mine", CELL, values, failures=told)
    write_scores(tmp_path / "scores.csv", frame)
    read = pd.read_csv(tmp_path / "scores.csv").set_index("benchmark")
    assert read["failures"].fillna("").to_dict() == {"humaneval": "wrong 1", "mbpp": ""}
