"""One effect: a contrast of cells with its value, its interval, and what the interval holds.

Everything that a run says of itself is a row over `effect`: the answer, the summary, the study's
tables, the findings O1-O20, the advice R1-R9, the gates and the ledger's lines on a run.

The interval. A seed makes its own pairs and trains its own models, so the values of k seeds are k
independent draws of what training does; all seeds answer the same problems, so their spread says
nothing of the choice of problems. The two errors are independent:

    half-width^2 = t(k-1)^2 * s^2 / k  +  t(f)^2 * e^2

with s the deviation over seeds, e the error from the choice of problems and f its degrees of
freedom. This combination holds its level or more whatever the share of the two (Banerjee 1960,
Sankhya 22:357), also for two seeds, where that of Welch and Satterthwaite falls short. With one
seed the first term is not known: the interval holds the problems alone, and says so.

e is the infinitesimal jackknife of the contrast over problems: cells of the same problems are
paired, and a problem that stands in several benchmarks is one. Two made-up problems,
one a step up and one a step down, keep equal values from claiming certainty (Bonett and Price 2012,
J. Educ. Behav. Stat. 37:479). Scores whose problems are not known have the variance of a share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from codealign.analysis.cells import BENCHMARKS, Cells
from codealign.analysis.contrasts import (
    CHANGE,
    COUNTS,
    RELATIVE,
    SCORE,
    Contrast,
    Part,
    parts_of,
    reduced,
)
from codealign.analysis.problem_error import DRAWS, drawn_again, fieller, problem_error
from codealign.analysis.stats import CONFIDENCE

LEAST_SIGNS = 6
"""Fewest seeds (or models) of which a count of signs is tested: five agree by chance once in 16."""
TOO_FEW = f"a count of signs needs {LEAST_SIGNS} seeds: five agree by chance once in 16"
PROBLEMS, SEEDS, MODELS = "problems", "seeds", "models"
ONE_RUN = "in this one training run"
CANNOT_TELL = "cannot tell"
"""Verdict where there is no interval, or one about one training run alone."""
NOT_DISTINGUISHABLE = "not distinguishable"
"""Verdict where the interval holds 0, whichever side the number is on."""


@dataclass(frozen=True)
class Effect:
    """A number with what is known of its error.

    Attributes
    ----------
    value, low, high : in points (percent of the scale), or percent of the start for a relative
        change; NaN where there is none, and `missing` says why.
    n : problems, added over the `benchmarks`. `seeds` : that have the number; 0 without training.
    holds : what the interval holds: problems, seeds, models.
    rule : what was measured, in words.
    seed_error, problem_error : standard errors; `freedom` : degrees of freedom of the second.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    seeds: int = 0
    holds: tuple[str, ...] = ()
    rule: str = ""
    missing: str = ""
    benchmarks: int = 0
    seed_error: float = math.nan
    problem_error: float = math.nan
    freedom: float = math.nan
    per_seed: tuple[float, ...] = ()

    @property
    def side(self) -> int:
        """1 or -1 if all of the interval lies above or below 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)

    def verdict(self, above: str, below: str) -> str:
        """Return the word for the side of 0 that the interval lies on, or why there is none."""
        if math.isnan(self.low):
            return CANNOT_TELL
        return {1: above, -1: below}.get(self.side, NOT_DISTINGUISHABLE)

    @property
    def single(self) -> bool:
        """Whether all this is about one training run: another may differ by more."""
        return self.seeds == 1 and MODELS not in self.holds

    @cached_property
    def p(self) -> float:
        """The two-sided p-value of 0: the level at which the interval would just reach it."""
        if math.isnan(self.low):
            return math.nan
        size, low, high = abs(self.value), 0.0, 1.0
        for _ in range(50):
            level = (low + high) / 2
            wide = half_width(
                self.seed_error, self.seeds, self.problem_error, self.freedom, 1 - level
            )
            low, high = (level, high) if wide > size else (low, level)
        return (low + high) / 2

    def at(self, confidence: float) -> Effect:
        """Return the effect with an interval of another confidence (for families of intervals)."""
        half = half_width(self.seed_error, self.seeds, self.problem_error, self.freedom, confidence)
        return replace(self, low=self.value - half, high=self.value + half)


def half_width(
    seed_error: float, seeds: int, problem_error: float, freedom: float, confidence: float
) -> float:
    """Return half the width of an interval from the two errors (see the module)."""
    tail = (1 + confidence) / 2
    over_problems = stdtrit(freedom, tail) * problem_error if problem_error else 0.0
    over_seeds = stdtrit(seeds - 1, tail) * seed_error if seeds > 1 and seed_error else 0.0
    return math.hypot(over_problems, over_seeds)


def effect(
    cells: Cells,
    contrast: Contrast,
    measure: str = CHANGE,
    model: str = "",
    weigh: str = BENCHMARKS,
    rule: str = "",
) -> Effect:
    """Return one effect.

    Parameters
    ----------
    cells : of one source.
    contrast : terms, added with their weights. A benchmark enters only if every term that wants it
        has it, and a stage only if every term that wants several has it: like with like.
    measure : "score", "change" (from `Term.start`), "relative" (that change in percent of the
        score it starts from), or a share of the benchmarks in percent: "risen" and "fallen" (from
        the start; equal counts half), "lost" (more than 30 % of the start).
    model : whose; "" where the terms name theirs.
    weigh : `cells.BENCHMARKS` or `cells.TASKS`.
    rule : what is measured, in words, handed on.
    """
    plan = (contrast, measure == SCORE, model, weigh)
    if plan not in cells.plans:
        cells.plans[plan] = parts_of(cells, contrast, measure, model, weigh)
    parts = cells.plans[plan]
    if isinstance(parts, str):
        return Effect(rule=rule, missing=parts)
    per_seed = sum(part.weight * reduced(measure, part, cells.values) for part in parts)
    known = np.round(per_seed[np.isfinite(per_seed)], 9)
    if not len(known):
        return Effect(rule=rule, missing="the start is 0" if measure == RELATIVE else "not run")
    value = float(known.mean())
    trained = any(part.trained for part in parts)
    seeds = len(known) if trained and cells.seeds else 0
    n = int(sum(cells.n[part.after[:, 0]].sum() for part in parts[:1]))
    result = Effect(value, n=n, seeds=seeds, rule=rule, benchmarks=len(parts[0].after),
                   per_seed=tuple(map(float, known)))  # fmt: skip
    if measure in COUNTS:
        return _counted(cells, parts, measure, result)
    error, freedom = problem_error(cells, parts, measure)
    return bounded(result, error, freedom, bounds=fieller(cells, parts, measure, result.per_seed))


def _counted(cells: Cells, parts: list[Part], measure: str, result: Effect) -> Effect:
    """Bound a count of signs, of six seeds or more.

    A jackknife does not hold for it: a sign flips, it does not bend. Problems are drawn again, and
    the variance is doubled: where nothing moves, the signs of drawn-again scores vary half as much
    as those of new problems would. Two made-up seeds, one of either sign, keep equal seeds from
    claiming certainty.
    """
    if result.seeds < LEAST_SIGNS:
        return replace(result, missing=TOO_FEW)
    if any(cells.answers[row] is None for part in parts for row in part.after.ravel()):
        return replace(result, missing="the problems' values are not known")
    drawn = drawn_again(cells, parts)
    spread = sum(part.weight * reduced(measure, part, drawn) for part in parts).std(ddof=1)
    seeds = float(np.var(result.per_seed, ddof=1)) / result.seeds
    made_up = 2 * (100 / (result.seeds + 2)) ** 2
    return bounded(result, math.sqrt(2) * float(spread), DRAWS - 1, math.sqrt(seeds + made_up))


def bounded(
    result: Effect,
    error: float,
    freedom: float,
    seed_error: float | None = None,
    bounds: tuple[float, float] | None = None,
) -> Effect:
    """Return an effect with its interval.

    Parameters
    ----------
    error, freedom : standard error from the choice of problems, its degrees of freedom.
    seed_error : that of the mean over seeds; None: from the seeds' values.
    bounds : of an interval that is not symmetric; None: from the two errors.
    """
    if math.isnan(error):
        return replace(result, missing="one problem has no interval")
    several = result.seeds > 1
    if seed_error is None:
        seed_error = (
            float(np.std(result.per_seed, ddof=1)) / math.sqrt(result.seeds) if several else 0
        )
    half = half_width(seed_error, result.seeds, error, freedom, CONFIDENCE)
    low, high = bounds or (result.value - half, result.value + half)
    return replace(
        result, low=low, high=high, holds=(PROBLEMS, SEEDS) if several else (PROBLEMS,),
        missing="the start is too near 0 for an interval" if math.isnan(low) else "",
        seed_error=seed_error, problem_error=error, freedom=freedom,
    )  # fmt: skip
