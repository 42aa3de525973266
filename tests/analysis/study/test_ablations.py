"""Ablations: grouped by what they vary, beside the main cells; the placebo's verdict by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up_study import CHANGES, ablated, made_up, one_seed, rows

from codealign.analysis.effects import CANNOT_TELL
from codealign.analysis.scores import frame_of
from codealign.analysis.study.effects import (
    GAIN,
    NO_GAIN,
    Placebo,
    StudyRun,
    compared,
    groups,
    placebo,
    study_of,
)


@pytest.fixture(scope="module")
def study() -> StudyRun:
    return made_up()


def random_pairs(change: float) -> list[Placebo]:
    """Return the placebo's rows where it changes the base by so many points."""
    found = study_of(frame_of([*rows(), *ablated("random", change)]), CHANGES)
    return placebo(found)


def test_ablations_of_one_setting_make_a_group_with_the_main_value(study: StudyRun) -> None:
    found = {group.title: group.labels for group in groups(study)}
    assert list(found) == ["beta (dpo)", "pairs (sft, dpo)", "placebo (dpo)"]
    # Ordered by value, with the main cells' 0.1 in its place.
    assert list(found["beta (dpo)"].values()) == ["0.01", "0.1", "1.0"]
    assert list(found["beta (dpo)"]) == ["beta_0", "", "beta_1"]


def test_each_value_stands_beside_the_main_cell_of_the_same_stage(study: StudyRun) -> None:
    beta = groups(study)[0]
    found = {row.label: row for row in compared(study, beta)}
    assert {label: round(row.change.value, 6) for label, row in found.items()} == {
        "0.01": 5.0, "0.1": 4.0, "1.0": 1.0,
    }  # fmt: skip
    assert {row.place.stage for row in found.values()} == {"dpo"}


def test_the_difference_to_main_is_paired_within_seeds(study: StudyRun) -> None:
    # By hand: 1 minus 4 in every seed; the wobble is the same on both sides.
    row = next(r for r in compared(study, groups(study)[0]) if r.label == "1.0")
    assert row.against.value == pytest.approx(-3.0)
    assert row.against.seed_error == pytest.approx(0.0)


def test_an_ablation_on_fewer_benchmarks_is_compared_with_like() -> None:
    # The main cells gain 10 points more on MBPP+ than elsewhere; the ablation, which gains 1 point,
    # has MBPP+ alone. By hand: 1 - (4 + 10), not 1 - the main cell's mean over nine benchmarks.
    main = [replace(s, value=s.value + 0.1) if (s.benchmark, s.stage) == ("mbpp_plus", "dpo") else s
            for s in rows()]  # fmt: skip
    few = [s for s in ablated("beta_1", 1.0) if s.benchmark == "mbpp_plus"]
    found = study_of(frame_of([*main, *few]), {"beta_1": CHANGES["beta_1"]})
    row = next(r for r in compared(found, groups(found)[0]) if r.place.ablation)
    assert row.against.value == pytest.approx(-13.0)


def test_random_pairs_are_held_against_the_model_they_start_from() -> None:
    # By hand: SFT gains 2 points and the placebo 2: nothing above SFT. The main cell's DPO is 4.
    row, every = random_pairs(2.0)
    assert row.sft.value == pytest.approx(0.0)
    assert row.base.value == pytest.approx(2.0)
    assert row.main.value == pytest.approx(2.0)
    assert row.verdict == "" and every.verdict == NO_GAIN


def test_the_verdict_is_on_the_mean_over_the_cells_within_seeds() -> None:
    # By hand: one pathway's placebo gains 3 points over SFT, the other loses 4: together a loss.
    other = [replace(s, variant="finetuned") for s in ablated("random", -3.0)]
    scores = frame_of([*rows(), *ablated("random", 5.0), *other])
    gains, losses, every = placebo(study_of(scores, CHANGES))
    assert (gains.verdict, losses.verdict) == ("", "")
    assert gains.sft.low > 0 > losses.sft.high
    assert every.sft.value == pytest.approx(-0.5)
    assert (every.place, every.verdict) == (None, NO_GAIN)


def test_a_seed_that_lacks_a_cell_is_not_in_the_mean_over_them() -> None:
    other = [replace(s, variant="finetuned") for s in ablated("random", 2.0) if s.seed]
    scores = frame_of([*rows(), *ablated("random", 2.0), *other])
    first, second, every = placebo(study_of(scores, CHANGES))
    assert (first.sft.seeds, second.sft.seeds, every.sft.seeds) == (3, 2, 2)


def test_a_placebo_without_a_main_cell_has_its_verdict_all_the_same() -> None:
    # A run of base, SFT and placebo alone: by hand, SFT gains 2 points and the placebo 3.
    scores = [s for s in rows() if s.stage in ("base", "sft")]
    *_, every = placebo(study_of(frame_of([*scores, *ablated("random", 3.0)]), CHANGES))
    assert every.sft.value == pytest.approx(1.0)
    assert every.verdict == GAIN and every.main.seeds == 0


def test_a_placebo_that_gains_condemns_the_experiment() -> None:
    assert random_pairs(3.0)[-1].verdict == GAIN


def test_a_placebo_that_loses_is_no_gain() -> None:
    assert random_pairs(-3.0)[-1].verdict == NO_GAIN


def test_one_seed_cannot_tell_of_a_placebo() -> None:
    first = [s for s in [*rows(seeds=(0,)), *ablated("random", 2.0)] if s.seed == 0]
    assert placebo(study_of(frame_of(first), CHANGES))[-1].verdict == CANNOT_TELL


def test_a_run_without_ablations_has_no_groups() -> None:
    assert groups(one_seed()) == [] and placebo(one_seed()) == []
