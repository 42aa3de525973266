"""CODAL scores by hand: rated only and unrated as 0, side by side."""

from __future__ import annotations

import math

import pytest

from codealign.cell import Cell
from codealign.evaluate.codal_scores import (
    Mean,
    interval,
    mean_rated,
    mean_zero,
    overall,
    scores,
    side_by_side,
    unrated_reasons,
    values,
)
from codealign.records import DIMENSIONS, Rating


def ratings(dimension: str, *values: float | None) -> list[Rating]:
    return [
        Rating(f"{dimension}{i}", dimension, "j", v, "" if v else "no rating", "")
        for i, v in enumerate(values)
    ]


def rows(given: list[Rating]) -> dict[tuple[str, str], object]:
    scored = scores(given, "nano", Cell("nano", "pretrained", "non_functional", "dpo", seed=0))
    return {(s.benchmark, s.metric): s for s in scored}


def test_the_mean_of_rated_answers_leaves_the_unrated_out() -> None:
    # (4 + 8) / 2 = 6; sd = sqrt(8), error = sqrt(8 / 2) = 2
    assert mean_rated(ratings("style", 4, None, 8)) == Mean(6, pytest.approx(2), 2, 1)


def test_the_other_mean_counts_the_unrated_as_zero() -> None:
    # (4 + 0 + 8) / 3 = 4
    mean = mean_zero(ratings("style", 4, None, 8))
    assert (mean.value, mean.n, mean.missing) == (4, 3, 0)


def test_nothing_rated_is_no_number() -> None:
    mean = mean_rated(ratings("style", None, None))
    assert math.isnan(mean.value) and (mean.n, mean.missing) == (0, 2)


def test_the_score_is_the_mean_of_the_dimensions_not_of_the_answers() -> None:
    # style has one answer, readability three: (2 + 6) / 2 = 4, not (2 + 18) / 4 = 5
    table = rows(ratings("style", 2) + ratings("readability", 6, 6, 6))
    assert table["codal", "rating"].value == 4
    assert table["codal", "rating"].n == 4


def test_the_error_of_the_score_adds_in_squares() -> None:
    # sqrt(3^2 + 4^2) / 2 = 2.5
    assert overall([Mean(5, 3, 10, 0), Mean(5, 4, 10, 0)]).error == 2.5


def test_the_interval_is_students() -> None:
    # n = 2: t(0.975, 1) = 12.706; half width 12.706 * 0.1
    low, high, name = interval(Mean(5, 0.1, 2, 0))
    assert (low, high) == (pytest.approx(3.7294, abs=1e-4), pytest.approx(6.2706, abs=1e-4))
    assert "Student" in name


def test_the_interval_stays_on_the_scale() -> None:
    assert interval(Mean(9.5, 3, 5, 0))[1] == 10


def test_equal_ratings_are_no_certainty() -> None:
    # By hand: two made-up ratings among 4 + 2, a step away each: sqrt(2 / 36) = 0.2357.
    equal = mean_rated(ratings("style", 9, 9, 9, 9))
    assert equal == Mean(9, pytest.approx(math.sqrt(2) / 6), 4, 0)
    low, high, _ = interval(equal, 1.0)
    assert low == pytest.approx(9 - 3.18245 * 0.23570, abs=1e-4)
    assert high == pytest.approx(9 + 3.18245 * 0.23570, abs=1e-4)
    nearly = mean_rated(ratings("style", 9, 9, 9, 8))  # is never told more narrowly than these
    assert nearly.error >= equal.error
    none_rated = mean_zero(ratings("style", None, None, None, None))
    assert interval(none_rated)[0] == 0 and interval(none_rated)[1] > 0.7


def test_a_single_rating_has_no_interval() -> None:
    low, high, name = interval(mean_rated(ratings("style", 7)))
    assert (low, high) == (None, None)
    assert "fewer than two" in name


def test_both_numbers_and_the_share_of_rated_answers_stand_side_by_side() -> None:
    table = rows(ratings("style", 4, None, 8))
    assert table["codal_style", "rating"].value == 6
    assert table["codal_style", "rating_unrated_0"].value == 4
    assert table["codal_style", "rated_share"].value == pytest.approx(2 / 3)


def test_there_is_a_row_for_each_dimension_and_metric() -> None:
    table = rows([r for d in DIMENSIONS for r in ratings(d, 5, 6)])
    assert len(table) == 6 * 3


def test_only_counting_unrated_as_zero_gives_a_score_below_one() -> None:
    table = rows(ratings("style", *[None] * 9, 5))
    assert table["codal_style", "rating"].value == 5
    assert table["codal_style", "rating_unrated_0"].value == 0.5


def test_no_interval_reaches_below_what_its_reading_can_be() -> None:
    table = rows(ratings("style", 1, 1, 3))
    # mean 5 / 3, error 2 / 3, t(0.975, 2) = 4.303: the half-width is 2.9
    assert table["codal_style", "rating"].low == 1
    assert table["codal_style", "rating_unrated_0"].low == 0


def test_reasons_are_counted_the_most_frequent_first() -> None:
    given = ratings("style", None, 5, None)
    assert unrated_reasons(given) == {"no rating": 2}


def test_values_keep_each_rating_under_its_dimension_and_under_all() -> None:
    table = values(ratings("style", 4, None) + ratings("readability", 6))
    assert table["codal_style"] == {"style0": 4, "style1": None}
    assert table["codal_readability"] == {"readability0": 6}
    assert table["codal"] == {"style0": 4, "style1": None, "readability0": 6}


def test_the_two_readings_stand_beside_the_rate_of_rated_answers() -> None:
    row = side_by_side(rows(ratings("style", 8, 4, None)).values()).loc["codal_style"]
    # rated: (8 + 4) / 2; with the unrated as 0: 12 / 3; 2 of 3 rated
    assert (row["rated_mean"], row["zero_mean"], row["answers"]) == (6, 4, 3)
    assert row["rated_percent"] == pytest.approx(200 / 3)
    # Wilson for 2 of 3: 20.8 % to 93.9 %
    assert row["rated_percent_low"] == pytest.approx(20.8, abs=0.05)
    assert row["rated_percent_high"] == pytest.approx(93.9, abs=0.05)
