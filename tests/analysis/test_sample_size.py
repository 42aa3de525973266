"""Margins of error in a finite population, against values worked by hand."""

from __future__ import annotations

import pytest

from codealign.analysis.sample_size import margin, needed, papers_sample
from codealign.errors import CodealignError


def test_the_usual_survey_by_hand() -> None:
    # z = 1.96, p = 1/2, n = 100 of practically infinite: 1.96 * 0.05 = 9.8 points
    assert margin(100, 10**9) == pytest.approx(0.098, abs=1e-4)


def test_the_correction_for_a_finite_population_by_hand() -> None:
    # 40 of 100 at 99 %: 2.5758 * sqrt(0.25 / 40) * sqrt(60 / 99) = 0.20364 * 0.77850 = 0.1585
    assert margin(40, 100, 0.99) == pytest.approx(0.1585, abs=1e-4)


def test_a_share_near_the_edge_needs_less() -> None:
    # sqrt(0.1 * 0.9) = 0.3 instead of 0.5
    assert margin(50, 500, share=0.1) == pytest.approx(0.6 * margin(50, 500))


def test_all_items_leave_no_error() -> None:
    assert margin(100, 100) == 0
    assert margin(1, 1) == 0


def test_the_number_needed_by_hand() -> None:
    # 2.5758^2 * 0.25 / 0.01 = 165.87; 165.87 / (1 + 164.87 / 100) = 62.6
    assert needed(0.10, 100, 0.99) == 63


@pytest.mark.parametrize("population", [30, 100, 500, 10_000])
def test_the_number_needed_is_the_least_that_reaches_the_margin(population: int) -> None:
    n = needed(0.05, population)
    assert margin(n, population) <= 0.05 < margin(n - 1, population)


def test_the_papers_sample_does_not_reach_its_margin_for_a_dimension() -> None:
    found = papers_sample().set_index(["population", "confidence"])
    one = found.loc["one dimension", 99]
    assert (round(one["margin"], 1), one["needed"], one["stated_margin"]) == (15.9, 63, 10)
    assert found.loc["whole benchmark", 99]["margin"] < 10


@pytest.mark.parametrize(
    ("n", "population", "confidence"), [(0, 10, 0.95), (11, 10, 0.95), (5, 10, 1.0), (1, 0, 0.95)]
)
def test_what_makes_no_sense_is_refused(n: int, population: int, confidence: float) -> None:
    with pytest.raises(CodealignError, match="sample size"):
        margin(n, population, confidence)


def test_a_margin_of_nothing_is_refused() -> None:
    with pytest.raises(CodealignError, match="needs every item"):
        needed(0, 100)
