"""p-values of orders between scores, so that an order within the noise is not called one.

They take the scores (or changes) of different benchmarks and models as independent, which scores
of one model are not: a p-value here is a lower bound on the doubt, and is shown as "p >=". All are
two-sided.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats as scipy_stats

from codealign.analysis import stats

LEAST = 5
"""Fewest values a mean is compared with; below it the p-value is NaN (cannot tell)."""


def means(first: np.ndarray, second: np.ndarray) -> float:
    """Return Welch's p-value that two means differ."""
    if min(len(first), len(second)) < LEAST or not (np.ptp(first) or np.ptp(second)):
        return math.nan
    return float(scipy_stats.ttest_ind(first, second, equal_var=False).pvalue)


def mean(values: np.ndarray) -> float:
    """Return the p-value of a t test that a mean differs from 0."""
    if len(values) < LEAST or not np.ptp(values):
        return math.nan
    return float(scipy_stats.ttest_1samp(values, 0.0).pvalue)


def spreads(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value that two spreads differ (Levene's test about the median)."""
    if min(len(first), len(second)) < LEAST:
        return math.nan
    return float(scipy_stats.levene(first, second, center="median").pvalue)


def share(count: int, n: int, level: float = 0.5) -> float:
    """Return the exact binomial p-value that a share differs from a level; NaN of none.

    Of wins and losses, ties left out, this is the sign test.
    """
    return float(scipy_stats.binomtest(int(count), int(n), level).pvalue) if n else math.nan


def shares(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value that two shares (of True) differ."""
    counts = (int(first.sum()), len(first), int(second.sum()), len(second))
    return stats.unpaired(*counts).p_value


def association(first: np.ndarray, second: np.ndarray) -> float:
    """Return Fisher's exact p-value that two yes-or-no marks of one thing go together."""
    table = [[int((first & second).sum()), int((first & ~second).sum())],
             [int((~first & second).sum()), int((~first & ~second).sum())]]  # fmt: skip
    return float(scipy_stats.fisher_exact(table).pvalue)
