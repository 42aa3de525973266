"""When more seeds need not be trained: the answer is clear, or cannot become clear any more.

Seeds are the looks of a group-sequential design. Looking again and again at the usual 5 % would
name a false winner more often than that; so the k-th of K looks takes a stricter level, by the
bounds of O'Brien and Fleming (1979, Biometrics 35:549): those of a random walk that crosses
c * sqrt(K / k) at any look in 5 % of cases. The level is applied to the p-value of the effect,
which holds few seeds and the choice of problems (Jennison and Turnbull 2000, section 3.8). To stop
because there is no hope never makes a false winner. `benchmarks/coverage.py` counts how often a
winner is named where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import ndtr

from codealign.analysis.effects import Effect, half_width
from codealign.analysis.stats import CONFIDENCE

CLEAR, EQUAL, HOPELESS = "clear", "does not matter", "no hope"
LEAST_CHANCE = 0.1
"""Chance of a clear answer with all seeds below which the remaining ones are not trained."""
WALKS = 200_000


@cache
def levels(looks: tuple[int, ...]) -> dict[int, float]:
    """Return the level (0 to 1) at which each look is taken.

    Parameters
    ----------
    looks : numbers of seeds after which the run is looked at, rising; two or more each.
    """
    rng, most = np.random.default_rng(0), looks[-1]
    steps = np.diff((0, *looks))
    walks = np.cumsum(rng.standard_normal((WALKS, len(looks))) * np.sqrt(steps), axis=1)
    reached = np.quantile(np.abs(walks / math.sqrt(most)).max(axis=1), CONFIDENCE)
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

    told = 1 - within(-half, half)
    return told + (within(half - matters, matters - half) if half < matters else 0.0)
