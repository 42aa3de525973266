"""How many items must be rated: the margin of error of a share, in a finite population.

For a simple random sample of n out of N items, a share p is known to within

    margin = z * sqrt(p * (1 - p) / n) * sqrt((N - n) / (N - 1))

(Cochran 1977, Sampling Techniques, section 3.3); the last factor is the finite-population
correction. p = 1/2 is the worst case. The formula is one for shares (such as agreement), not for
kappa or for a mean rating.
"""

from __future__ import annotations

import math

import pandas as pd
from scipy.stats import norm

from codealign.errors import CodealignError

WORST = 0.5
PAPER = {"confidence": 0.99, "margin": 0.10}
"""What section 6.2 states for 40 problems of each of 5 dimensions of 100."""


def margin(n: int, population: int, confidence: float = 0.95, share: float = WORST) -> float:
    """Return the margin of error (0 to 1, half the interval's width) of a share.

    Parameters
    ----------
    n : items rated, 1 to `population`.
    population : items there are; at least 1.
    confidence : between 0 and 1, e.g. 0.95.
    share : the share itself, 0 to 1.
    """
    _check(population, confidence, share)
    if not 1 <= n <= population:
        raise CodealignError(f"sample size: n = {n} is not between 1 and {population}")
    if n == population:
        return 0.0
    corrected = (population - n) / (population - 1)
    return _z(confidence) * math.sqrt(share * (1 - share) / n * corrected)


def needed(within: float, population: int, confidence: float = 0.95, share: float = WORST) -> int:
    """Return the least number of items whose margin of error is at most `within` (0 to 1)."""
    _check(population, confidence, share)
    if within <= 0:
        raise CodealignError(f"sample size: a margin of {within:g} needs every item and more")
    infinite = _z(confidence) ** 2 * share * (1 - share) / within**2
    return max(math.ceil(infinite / (1 + (infinite - 1) / population)), 1)


def _z(confidence: float) -> float:
    return float(norm.ppf((1 + confidence) / 2))


def _check(population: int, confidence: float, share: float) -> None:
    if population < 1 or not 0 < confidence < 1 or not 0 <= share <= 1:
        raise CodealignError(
            f"sample size: population {population}, confidence {confidence:g}, share {share:g}; "
            "need at least 1, between 0 and 1, and from 0 to 1"
        )


def papers_sample() -> pd.DataFrame:
    """Return what the paper's sample really gives, and what its stated margin would need.

    Columns: population (its name), items, rated, confidence, stated_margin, margin (that of the
    sample), needed (items for the stated margin). Confidence is in percent, margins are in
    percentage points.
    """
    samples = (("one dimension", 100, 40), ("whole benchmark", 500, 200))
    return pd.DataFrame([
        {"population": name, "items": items, "rated": rated, "confidence": 100 * confidence,
         "stated_margin": 100 * PAPER["margin"], "margin": 100 * margin(rated, items, confidence),
         "needed": needed(PAPER["margin"], items, confidence)}
        for name, items, rated in samples
        for confidence in (PAPER["confidence"], 0.95, 0.90)
    ])  # fmt: skip
