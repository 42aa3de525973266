"""When more seeds need not be trained: the answer is clear, or cannot become clear any more.

Seeds are the looks of a group-sequential design. Looking again and again at the usual 5 % would
name a false winner more often than that; so the k-th of K looks takes a stricter level, in the
shape of O'Brien and Fleming (1979, Biometrics 35:549): that of a standard normal number beyond
c * sqrt(K / k). Their c is for a known spread. Here each look estimates it from k seeds, whose
t-tests are less alike than theirs; so c comes from simulated seeds and their t-tests: one of the
looks is beyond its level in 5 % of cases. The level is applied to the p-value of the effect, which
also holds the choice of problems, the same at every look: that makes false winners rarer still. To
stop because there is no hope never makes one. `benchmarks/coverage.py` counts how often a winner is
named where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from codealign.analysis.effects import Effect, half_width
from codealign.analysis.stats import CONFIDENCE

CLEAR, EQUAL, HOPELESS = "clear", "does not matter", "no hope"
LEAST_CHANCE = 0.1
"""Chance of a clear answer with all seeds below which the remaining ones are not trained."""
RUNS = 200_000


@cache
def levels(looks: tuple[int, ...]) -> dict[int, float]:
    """Return the level (0 to 1) at which each look is taken.

    Parameters
    ----------
    looks : numbers of seeds after which the run is looked at, rising; two or more each.
    """
    most = looks[-1]
    seeds = np.random.default_rng(0).standard_normal((RUNS, most))
    furthest = np.zeros(RUNS)
    for k in looks:
        some = seeds[:, :k]
        t = np.abs(some.mean(axis=1)) / some.std(axis=1, ddof=1) * math.sqrt(k)
        furthest = np.maximum(furthest, -ndtri(stdtr(k - 1, -t)) * math.sqrt(k / most))
    reached = np.quantile(furthest, CONFIDENCE)
    return {k: 2 * float(ndtr(-reached * math.sqrt(most / k))) for k in looks}


def decision(effect: Effect, looks: Sequence[int], matters: float) -> str:
    """Return why no more seeds are needed for an effect; "" if they are.

    Parameters
    ----------
    effect : after `effect.seeds` seeds, one of the looks.
    matters : the smallest difference, in points, that would be a reason to choose.
    """
    level = levels(tuple(looks)).get(effect.seeds)
    if level is None or math.isnan(effect.low):
        return ""
    strict = effect.at(1 - level)
    if strict.side:
        return CLEAR
    if max(abs(strict.low), abs(strict.high)) <= matters:
        return EQUAL
    return HOPELESS if chance(effect, looks, matters) < LEAST_CHANCE else ""


def chance(effect: Effect, looks: Sequence[int], matters: float) -> float:
    """Return how likely the last look gives an answer, if the spread over seeds stays as it is."""
    k, most = effect.seeds, looks[-1]
    spread = effect.seed_error * math.sqrt(k)
    half = half_width(spread / math.sqrt(most), most, effect.problem_error, effect.freedom,
                      1 - levels(tuple(looks))[most])  # fmt: skip
    moves = max(spread * math.sqrt(1 / k - 1 / most), 1e-9)

    def within(low: float, high: float) -> float:
        return float(ndtr((high - effect.value) / moves) - ndtr((low - effect.value) / moves))

    decided = 1 - within(-half, half)
    return decided + (within(half - matters, matters - half) if half < matters else 0.0)
