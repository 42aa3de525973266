"""Intervals, tests of change and corrections for many comparisons, from SciPy and statsmodels.

Every function names the method it used, and the assumption it rests on, beside the number, so that
nothing shown later has to guess. All intervals are two-sided at `CONFIDENCE`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    test_proportions_2indep,
)

from codealign.errors import CodealignError

CONFIDENCE = 0.95
PERCENTILES = [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)]
"""Bounds of a percentile bootstrap interval."""
RESAMPLES = 2000
UNPAIRED = "the two scores come from independent samples of n problems each (the published data \
do not say which problems were solved, so pairing cannot be used)"


class Interval(NamedTuple):
    """Bounds of a 95 % interval and the method's name; NaN bounds mean undefined (method says)."""

    low: float
    high: float
    method: str


class Test(NamedTuple):
    """Two-sided p-value with the test's name and what it assumes; NaN means not defined."""

    p_value: float
    name: str
    assumption: str


def _check_count(count: float, n: int) -> None:
    if n < 0 or not 0 <= count <= n:
        raise CodealignError(f"count {count} of n {n}: need 0 <= count <= n; check the scores")


def wilson(count: float, n: int) -> Interval:
    """Return the Wilson score interval of a proportion (Wilson 1927, JASA 22:209).

    Parameters
    ----------
    count : successes, 0 to n.
    n : trials. With n = 0 both bounds are NaN.
    """
    _check_count(count, n)
    if n == 0:
        return Interval(math.nan, math.nan, "undefined: no items")
    low, high = proportion_confint(count, n, alpha=1 - CONFIDENCE, method="wilson")
    return Interval(max(0.0, float(low)), min(1.0, float(high)), "Wilson")


def bounded_mean(mean: float, n: int, scale: float) -> Interval:
    """Return an interval for a mean of n values in [0, scale] of which only the mean is known.

    Values in [0, 1] with mean p have a variance of at most p(1-p), that of a proportion. So the
    Wilson interval of a proportion p, stretched to the scale, is at least as wide as one from the
    values would be. Use `bootstrap_mean` where the values are known.
    """
    low, high, method = wilson(mean / scale * n, n)
    name = "Wilson, variance bound" if n else method
    return Interval(low * scale, high * scale, name)


def bootstrap_mean(values: Sequence[float], seed: int, scale: float = math.nan) -> Interval:
    """Return the bias-corrected accelerated bootstrap interval of a mean (Efron 1987).

    Undefined (NaN) for fewer than two values. When all values are equal the resamples are too, and
    a bootstrap would claim certainty: then the interval is that of a mean of n values in
    [0, scale] (`bounded_mean`), and undefined where no scale is given.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return Interval(math.nan, math.nan, f"undefined: {len(data)} item(s)")
    if np.ptp(data) == 0:
        if math.isnan(scale):
            return Interval(math.nan, math.nan, "undefined: all values equal")
        low, high, method = bounded_mean(float(data[0]), len(data), scale)
        return Interval(low, high, f"{method} (all values equal)")
    bounds = scipy_stats.bootstrap(
        (data,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="BCa",
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(bounds.low), float(bounds.high), "bootstrap (BCa)")


def t_mean(values: Sequence[float]) -> Interval:
    """Return Student's t interval of the mean of independent values, such as those of seeds.

    Undefined (NaN) for fewer than two values, and for equal ones, which say nothing of the spread.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2 or np.ptp(data) == 0:
        why = "all equal" if len(data) > 1 else f"{len(data)} value(s)"
        return Interval(math.nan, math.nan, f"undefined: {why}")
    half = scipy_stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 1) * scipy_stats.sem(data)
    return Interval(float(data.mean() - half), float(data.mean() + half), f"t over {len(data)}")


def paired_mean(before: Sequence[float], after: Sequence[float], step: float) -> Interval:
    """Return Student's t interval of mean(after - before) over the same items.

    Two made-up items, one that changes a step up and one a step down, keep equal changes from
    claiming certainty (Bonett and Price 2012, J. Educ. Behav. Stat. 37:479).

    Parameters
    ----------
    step : the least change of one item, in the values' unit.
    """
    if len(before) != len(after):
        raise CodealignError(
            f"paired comparison of {len(before)} and {len(after)} items: pass the items that both "
            "stages scored, in the same order"
        )
    change = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    n = len(change)
    if n < 2:
        return Interval(math.nan, math.nan, f"undefined: {n} item(s)")
    variance = change.var(ddof=1) / n + 2 * (step / (n + 2)) ** 2
    half = float(scipy_stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * math.sqrt(variance)
    return Interval(float(change.mean() - half), float(change.mean() + half), "paired t")


def difference(before: float, n_before: int, after: float, n_after: int) -> Interval:
    """Return Newcombe's interval of p_after - p_before for independent counts (1998, method 10).

    Counts may be fractional: then they are `mean / scale * n` of a bounded mean and the interval
    is conservative (see `bounded_mean`).
    """
    return _two_sample(before, n_before, after, n_after, "diff", "newcomb", "Newcombe")


def ratio(before: float, n_before: int, after: float, n_after: int) -> Interval:
    """Return the interval of p_after / p_before: log ratio with 1/2 added (Walter 1975)."""
    if before == 0:
        return Interval(math.nan, math.nan, "undefined: base score is 0")
    return _two_sample(before, n_before, after, n_after, "ratio", "log-adjusted", "log ratio")


def _two_sample(
    before: float, n_before: int, after: float, n_after: int, compare: str, method: str, name: str
) -> Interval:
    _check_count(before, n_before)
    _check_count(after, n_after)
    if not n_before or not n_after:
        return Interval(math.nan, math.nan, "undefined: no items")
    low, high = confint_proportions_2indep(
        after, n_after, before, n_before, compare=compare, method=method, alpha=1 - CONFIDENCE
    )
    return Interval(float(low), float(high), name)


def unpaired(before: float, n_before: int, after: float, n_after: int) -> Test:
    """Test whether two independent proportions differ.

    Pooled two-proportion score test; Fisher's exact test where an expected count is below 5
    (Cochran's rule). Equal shares of 0 or 1 carry no evidence: p = 1. Fractional counts (bounded
    means) always use the score test, which is then conservative.
    """
    _check_count(before, n_before)
    _check_count(after, n_after)
    if not n_before or not n_after:
        return Test(math.nan, "undefined: no items", UNPAIRED)
    # At a bound the pooled share has no variance, and the score test would divide by it.
    pooled = (before + after) / (n_before + n_after)
    if pooled in (0.0, 1.0):
        return Test(1.0, "none needed: both scores are at the same bound", UNPAIRED)
    least = min(n_before, n_after) * min(pooled, 1 - pooled)
    if least < 5 and float(before).is_integer() and float(after).is_integer():
        table = [[after, n_after - after], [before, n_before - before]]
        return Test(float(scipy_stats.fisher_exact(table).pvalue), "Fisher exact", UNPAIRED)
    with np.errstate(divide="ignore"):  # statsmodels also forms the ratio, which a base of 0 lacks
        result = test_proportions_2indep(
            after, n_after, before, n_before, compare="diff", method="score", correction=False
        )
    return Test(float(result.pvalue), "two-proportion score", UNPAIRED)


def adjust(p_values: Sequence[float], method: str) -> np.ndarray:
    """Return p-values corrected for their number; NaN (no test) is kept and not counted.

    Parameters
    ----------
    method : "holm" (family-wise error rate, Holm 1979) or "fdr_bh" (false discovery rate,
        Benjamini and Hochberg 1995).
    """
    if method not in ("holm", "fdr_bh"):
        raise CodealignError(f"correction {method!r}: valid are 'holm' and 'fdr_bh'")
    raw = np.asarray(p_values, dtype=float)
    tested = ~np.isnan(raw)
    out = raw.copy()
    if method == "holm":
        # Not multipletests: its Holm collects garbage, a fifth of a second in a notebook each time.
        order = np.flatnonzero(tested)[np.argsort(raw[tested])]
        stepped = raw[order] * np.arange(len(order), 0, -1)
        out[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    elif tested.any():
        out[tested] = multipletests(raw[tested], alpha=1 - CONFIDENCE, method=method)[1]
    return out
