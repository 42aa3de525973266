"""What a design can tell, what more it takes, and when to stop looking."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codealign.analysis.effects import Effect, half_width
from codealign.analysis.power import (
    CLEAR,
    EQUAL,
    HOPELESS,
    NOISE,
    decision,
    levels,
    noise_of,
    outlook,
    papers_reach,
    reach,
)
from codealign.paths import PROJECT

SIZES = {"humaneval_plus": 164, "mbpp_plus": 378}
LOOKS = (2, 3, 4, 5)


def found(value: float, spread: float, seeds: int, problems: float, n: int = 500) -> Effect:
    """Return a difference with the given deviation over seeds and error from the problems."""
    error = spread / math.sqrt(seeds) if seeds > 1 else 0.0
    half = half_width(error, seeds, problems, n - 1, 0.95)
    return Effect(value, value - half, value + half, n, seeds, ("problems",) + ("seeds",) *
                  (seeds > 1), seed_error=error, problem_error=problems, freedom=n - 1)  # fmt: skip


def test_more_problems_and_more_seeds_tell_smaller_differences() -> None:
    few, many = reach({"humaneval_plus": 40}, [3, 5], "functional", 1.0)
    whole = reach(SIZES, [3, 5], "functional", 1.0)
    assert few.points > whole[0].points > whole[1].points and few.points > many.points


def test_a_difference_of_0_that_always_matters_is_no_division_by_0() -> None:
    sentence = outlook(found(0.0, 0.0, 3, 1.0), "functional", matters=0.0).text
    assert sentence.endswith("no number of seeds or problems tells it from 0")


def test_without_noise_one_run_is_wrong_once_in_twenty_and_with_it_more_often() -> None:
    (same,) = reach(SIZES, [1], "functional", 0.0)
    (noisy,) = reach(SIZES, [1], "functional", 6.0)
    assert same.false < 0.15 < 0.3 < noisy.false


def test_the_assumed_noise_is_that_of_nanos_kept_seeds() -> None:
    kept = pd.read_csv(PROJECT / "nano/results/seeds.csv", keep_default_na=False)
    own = kept[kept["stage"].isin(["dpo", "bonbon"]) & (kept["ablation"] == "")
               & (kept["requirement"] == kept["trained"])]  # fmt: skip
    for requirement, points in NOISE.items():
        spread = own.loc[own["requirement"] == requirement, "sd"].astype(float)
        assert points / 2 < math.sqrt((spread**2).mean()) < 2 * points, requirement


def test_the_papers_design_is_told_with_what_noise_does_to_it() -> None:
    lines = papers_reach()
    assert lines[1].startswith("functional (") and "% of runs without any difference" in lines[1]


def test_noise_of_one_training_is_found_again_from_the_difference_of_two() -> None:
    # each pathway's mean of two techniques varies by 0.9 of the noise's square, two of them by 1.8
    assert noise_of(found(3, math.sqrt(1.8) * 2.0, 5, 1)) == pytest.approx(2.0)
    assert noise_of(found(3, 0, 1, 1)) is None


def test_a_difference_that_is_small_for_sure_does_not_matter() -> None:
    told = outlook(found(0.2, 0.3, 5, 0.2), "functional").text
    assert told.startswith("the difference is at most ±0.") and told.endswith("does not matter")


def test_how_many_more_seeds_would_tell() -> None:
    effect = found(5.0, 3.0, 3, 1.0)
    # half-width at k: sqrt((t(k-1) 3)^2 / k + 1.96^2); 3: 7.7, 4: 5.2, 5: 4.2
    assert outlook(effect, "functional", 1.5).text == (
        "2 more seeds (about 3.0 h) would tell, if the difference stays at 5.0 points"
    )


def test_where_problems_are_too_few_no_number_of_seeds_helps() -> None:
    told = outlook(found(1.5, 0.5, 5, 4.0, n=100), "functional").text
    assert told.startswith("seeds alone would not tell: these problems leave ±7.9 points; about ")


def test_levels_rise_to_just_below_the_usual_one() -> None:
    found = levels(LOOKS)
    assert list(found.values()) == sorted(found.values())
    assert found[2] < 0.005 and 0.035 < found[5] < 0.05


def test_decisions_of_a_look() -> None:
    assert decision(found(20, 0.5, 3, 0.5), LOOKS, 2.0) == CLEAR
    assert decision(found(0.1, 0.1, 4, 0.2), LOOKS, 2.0) == EQUAL
    assert decision(found(0.1, 0.5, 4, 6.0), LOOKS, 2.0) == HOPELESS
    assert decision(found(6, 3.0, 3, 1.0), LOOKS, 2.0) == ""
    nothing = replace(found(1, 1, 3, 1), low=math.nan, high=math.nan)
    assert decision(nothing, LOOKS, 2.0) == ""


@pytest.mark.parametrize("problems", [1e-9, 1.0])
def test_looking_after_every_seed_names_false_winners_no_more_often_than_one_look(
    problems: float,
) -> None:
    """Runs without a difference, whose seeds differ by 3 points."""
    rng, false, plain, most = np.random.default_rng(1), 0, 0, 2000
    for _ in range(most):
        seeds, shared = rng.standard_normal(5) * 3, problems * rng.standard_normal()
        told = []
        for k in LOOKS:
            spread = float(np.std(seeds[:k], ddof=1))
            told.append(found(float(seeds[:k].mean() + shared), spread, k, problems))
        plain += any(e.side for e in told)
        reasons = (decision(effect, LOOKS, 0.0) for effect in told)
        false += next((why for why in reasons if why), "") == CLEAR
    assert false / most < 0.05 + 2 * math.sqrt(0.05 * 0.95 / most) < plain / most
