"""What is asked of a study's cells; numbers by hand."""

from __future__ import annotations

import pytest
from made_up_study import BASE, made_up, one_seed

from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import StudyRun, study_of
from codealign.cell import Cell
from codealign.records import Score

DPO = Cell("nano", "pretrained", "functional", "dpo")


@pytest.fixture(scope="module")
def study() -> StudyRun:
    return made_up()


def test_a_change_is_the_mean_over_seeds_in_points(study: StudyRun) -> None:
    # By hand: DPO gains 4 points, and the seeds' wobble of -1, 0, 1 cancels.
    found = study.change(DPO)
    assert found.value == pytest.approx(4.0)
    assert found.per_seed == pytest.approx((3.0, 4.0, 5.0))


def test_its_interval_is_students_t_where_the_problems_are_many(study: StudyRun) -> None:
    # By hand: 3, 4, 5 have deviation 1; t(0.975, 2) = 4.3027; 4.3027 / sqrt(3) = 2.4841.
    found = study.change(DPO)
    assert (found.low, found.high) == pytest.approx((4 - 2.4841, 4 + 2.4841), abs=2e-3)


def test_a_relative_change_is_in_percent_of_the_base(study: StudyRun) -> None:
    assert study.relative(DPO).value == pytest.approx(100 * 0.04 / BASE)


def test_a_change_may_start_from_sft(study: StudyRun) -> None:
    assert study.change(DPO, "sft").value == pytest.approx(2.0)


def test_cross_evaluation_compares_with_the_same_base(study: StudyRun) -> None:
    assert study.change(DPO.at(trained="non_functional")).value == pytest.approx(-3.0)


def test_differences_are_paired_within_seeds(study: StudyRun) -> None:
    # By hand: PTA's 4 minus FTA's 2 in every seed, as both have the seed's wobble: no spread.
    found = study.minus(DPO, DPO.at(variant="finetuned"))
    assert found.per_seed == pytest.approx((2.0, 2.0, 2.0))
    assert found.seed_error == 0


def test_places_are_the_evaluated_models_in_order(study: StudyRun) -> None:
    assert [p.stage for p in study.main[:4]] == ["base", "sft", "dpo", "bonbon"]
    assert {p.ablation for p in study.places} == {"", "beta_0", "beta_1", "few", "random"}


def test_only_a_run_with_something_beyond_one_seed_is_repeated(study: StudyRun) -> None:
    assert study.repeated
    assert not one_seed().repeated


def test_a_score_without_a_base_has_no_change() -> None:
    score = Score("mine", "nano", "pretrained", "functional", "dpo", "humaneval_plus", "pass@1",
                  0.5, 20)  # fmt: skip
    found = study_of(frame_of([score]))
    assert found.score(DPO).value == 50
    assert "not run" in found.change(DPO).missing


def test_only_benchmarks_that_base_and_stage_have_are_averaged() -> None:
    def score(stage: str, name: str, value: float) -> Score:
        return Score("mine", "nano", "pretrained", "functional", stage, name, "pass@1", value, 20)

    rows = [score("base", "humaneval_plus", 0.4), score("base", "mbpp_plus", 0.9),
            score("dpo", "humaneval_plus", 0.5)]  # fmt: skip
    assert study_of(frame_of(rows)).change(DPO).value == pytest.approx(10.0)
