"""Krippendorff's alpha against the author's own worked example, and its edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from krippendorff import alpha

from codealign.analysis.agreement import alphas

GAP = math.nan
# Krippendorff (2011), Computing Krippendorff's alpha-reliability: 4 observers, 12 units.
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
    [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
]


@pytest.mark.parametrize(("level", "published"), [("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_example(level: str, published: float) -> None:
    assert round(alpha(EXAMPLE, level), 3) == published


def test_two_judges_by_hand() -> None:
    # Items (1, 1), (1, 2), (2, 2): of 6 values three are 1 and three are 2. Observed: one item of
    # three differs, 2 of 6 ordered pairs. Expected: 3 * 3 * 2 / (6 * 5) = 0.6 of the pairs.
    # alpha = 1 - (2 / 6) / 0.6 = 4 / 9
    assert alpha([[1, 1, 2], [1, 2, 2]], "interval") == pytest.approx(4 / 9)


def test_perfect_agreement_is_one() -> None:
    assert alpha([[1, 5, 9], [1, 5, 9]]) == pytest.approx(1)


@pytest.mark.parametrize("ratings", [[[3, 3], [3, 3]], [[1.0, GAP], [GAP, 2.0]]])
def test_without_possible_disagreement_it_is_undefined(ratings: list[list[float]]) -> None:
    assert math.isnan(alpha(ratings))


def test_values_that_nobody_gave_change_nothing() -> None:
    full = np.zeros((1, 10, 10))
    full[0, 0, 0], full[0, 1, 1], full[0, 0, 1], full[0, 1, 0] = 2, 2, 1, 1
    found = alphas(full, np.arange(1, 11), "ordinal")[0]
    assert found == pytest.approx(alpha([[1, 1, 2], [1, 2, 2]], "ordinal"))
