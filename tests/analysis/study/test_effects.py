"""Changes of each seed, their means over seeds, and paired differences; numbers by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from made_up_study import BASE, made_up, one_seed

from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import KEYS, Study, differences, over_seeds, spread, study_of
from codealign.records import Score


@pytest.fixture(scope="module")
def study() -> Study:
    return made_up()


def cell(frame: pd.DataFrame, **where: str) -> pd.Series:
    defaults = {"variant": "pretrained", "requirement": "functional", "trained": "functional",
                "ablation": "", "stage": "dpo"}  # fmt: skip
    for key, value in {**defaults, **where}.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_change_is_the_mean_over_seeds_in_points(study: Study) -> None:
    # By hand: DPO gains 4 points, and the seeds' wobble of -1, 0, 1 cancels.
    row = cell(over_seeds(study.cells, "change"))
    assert row["mean"] == pytest.approx(4.0)
    assert row["seeds"] == 3


def test_its_interval_is_students_t_over_the_seeds(study: Study) -> None:
    # By hand: 3, 4, 5 have deviation 1; t(0.975, 2) = 4.3027; 4.3027 / sqrt(3) = 2.4841.
    row = cell(over_seeds(study.cells, "change"))
    assert row["sd"] == pytest.approx(1.0)
    assert row[["low", "high"]].tolist() == pytest.approx([4 - 2.4841, 4 + 2.4841], abs=1e-4)


def test_a_relative_change_is_in_percent_of_the_base(study: Study) -> None:
    row = cell(over_seeds(study.cells, "relative"))
    assert row["mean"] == pytest.approx(100 * 0.04 / BASE)


def test_the_base_stands_beside_every_seed(study: Study) -> None:
    base = study.main[(study.main["stage"] == "base") & (study.main["variant"] == "pretrained")]
    assert sorted(base["seed"].unique()) == [0, 1, 2]
    assert set(base["change"]) == {0.0}
    assert base["value"].tolist() == pytest.approx([100 * BASE] * len(base))


def test_cross_evaluation_compares_with_the_same_base(study: Study) -> None:
    row = cell(over_seeds(study.cells, "change"), trained="non_functional")
    assert row["mean"] == pytest.approx(-3.0)


def test_differences_are_paired_within_seeds(study: Study) -> None:
    # By hand: PTA's 4 minus FTA's 2 in every seed, as both have the seed's wobble: no spread.
    found = differences(study.main, "variant", "pretrained", "finetuned")
    mine = found[(found["stage"] == "dpo") & (found["requirement"] == "functional")]
    assert mine["difference"].tolist() == pytest.approx([2.0] * 3)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    found = spread([3.0])
    assert found["mean"] == 3.0
    assert math.isnan(found["low"]) and math.isnan(found["sd"])


def test_the_last_bits_of_equal_sums_make_no_sign() -> None:
    assert spread([1e-16, -1e-16])["low"] == 0.0


def test_only_a_run_with_something_beyond_one_seed_is_repeated(study: Study) -> None:
    assert study.repeated
    assert not one_seed().repeated


def test_a_score_without_a_base_has_no_change() -> None:
    score = Score("mine", "nano", "pretrained", "functional", "dpo", "humaneval_plus", "pass@1",
                  0.5, 20)  # fmt: skip
    found = study_of(frame_of([score]))
    assert found.parts.empty and found.cells.empty
    assert set(KEYS) <= set(found.cells.columns)


def test_only_benchmarks_that_base_and_stage_have_are_averaged() -> None:
    def score(stage: str, name: str, value: float) -> Score:
        return Score("mine", "nano", "pretrained", "functional", stage, name, "pass@1", value, 20)

    rows = [score("base", "humaneval_plus", 0.4), score("base", "mbpp_plus", 0.9),
            score("dpo", "humaneval_plus", 0.5)]  # fmt: skip
    row = cell(over_seeds(study_of(frame_of(rows)).cells, "change"))
    assert row["mean"] == pytest.approx(10.0)
