"""One effect: a contrast of cells with its value, its interval, and what the interval covers.

Everything that a run says of itself comes from `effect`: the answer, the summary, the study's
tables, the findings O1-O20, the advice R1-R9, the gates and the ledger's lines on a run.

The interval. A seed makes its own pairs and trains its own models, so the values of k seeds are k
independent draws of what training does; all seeds answer the same problems, so their spread says
nothing about the choice of problems. The two errors are independent:

    half-width^2 = t(k-1)^2 * s^2 / k  +  t(f)^2 * e^2

with s the deviation over seeds, e the error from the choice of problems and f its degrees of
freedom. This combination holds its level or more whatever the share of the two (Banerjee 1960,
Sankhya 22:357), also for two seeds, where that of Welch and Satterthwaite falls short. With one
seed the first term is not known: the interval covers the problems alone, and says so.

e is the infinitesimal jackknife of the contrast over problems: cells of the same problems are
paired, and a problem that occurs in several benchmarks counts once. Two made-up problems,
one a step up and one a step down, keep equal values from claiming certainty (Bonett and Price 2012,
J. Educ. Behav. Stat. 37:479). Scores whose problems are not known have the variance of a share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from codealign.analysis.cells import BENCHMARKS, STEP, Cells
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
from codealign.analysis.stats import CONFIDENCE

LEAST_SIGNS = 6
"""Fewest seeds (or models) of which a count of signs is tested: five agree by chance once in 16."""
TOO_FEW = f"a count of signs needs {LEAST_SIGNS} seeds: five agree by chance once in 16"
PROBLEMS, SEEDS, MODELS = "problems", "seeds", "models"
ONE_RUN = "in this one training run"
CANNOT_TELL = "cannot tell"
"""Verdict where there is no interval, or one training run alone points to a side."""
NOT_DISTINGUISHABLE = "not distinguishable"
"""Verdict where the interval holds 0, whichever side the number is on."""


@dataclass(frozen=True)
class Effect:
    """A number with what is known about its error.

    Attributes
    ----------
    value, low, high : in points (percent of the scale), or percent of the start for a relative
        change; NaN where there is none, and `missing` says why.
    n : problems, added over the `benchmarks`. `seeds` : that have the number; 0 without training.
    holds : what the interval holds: problems, seeds, models.
    seed_error, problem_error : standard errors; `freedom` : degrees of freedom of the second.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    seeds: int = 0
    holds: tuple[str, ...] = ()
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

    def verdict_here(self, above: str, below: str) -> str:
        """Return the word for the side of 0 that the interval lies on, or why there is none.

        It is about these trainings alone, be it one: `verdict_in_general` is about others as well.
        """
        if math.isnan(self.low):
            return CANNOT_TELL
        return {1: above, -1: below}.get(self.side, NOT_DISTINGUISHABLE)

    def verdict_in_general(self, above: str, below: str) -> str:
        """Return the verdict as what bears a statement out, or not, may have it.

        One training run bears nothing out: where it points to a side, another may not. Where its
        interval holds 0, that of several trainings, which is wider, would as well.
        """
        return CANNOT_TELL if self.single and self.side else self.verdict_here(above, below)

    @property
    def single(self) -> bool:
        """Whether all this is about one training run: another may differ by more."""
        return self.seeds == 1 and MODELS not in self.holds

    @property
    def alone(self) -> str:
        """What goes behind a word about one training run; "" for anything else."""
        return f" {ONE_RUN}" if self.single else ""

    @property
    def signs_error(self) -> float:
        """The standard error over seeds of a count of signs, in percent.

        Two made-up seeds, one of either sign, keep equal seeds from claiming certainty.
        """
        made_up = 2 * (100 / (self.seeds + 2)) ** 2
        return math.sqrt(float(np.var(self.per_seed, ddof=1)) / self.seeds + made_up)

    @cached_property
    def p(self) -> float:
        """The two-sided p-value of 0: the level at which the interval would just reach it."""
        if math.isnan(self.low):
            return math.nan
        # The two t quantiles have no common inverse, so the level is bisected.
        size, low, high = abs(self.value), 0.0, 1.0
        for _ in range(50):
            level = (low + high) / 2
            low, high = (level, high) if self.half(1 - level) > size else (low, level)
        return (low + high) / 2

    def at(self, confidence: float) -> Effect:
        """Return the effect with an interval of another confidence (for families of intervals)."""
        half = self.half(confidence)
        return replace(self, low=self.value - half, high=self.value + half)

    def half(self, confidence: float) -> float:
        """Return half the width of an interval of this confidence."""
        return half_width(self.seed_error, self.seeds, self.problem_error, self.freedom, confidence)


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
    """
    plan = (contrast, measure == SCORE, model, weigh)
    if plan not in cells.plans:
        cells.plans[plan] = parts_of(cells, contrast, measure, model, weigh)
    parts = cells.plans[plan]
    if isinstance(parts, str):
        return Effect(missing=parts)
    per_seed = sum(part.weight * reduced(measure, part, cells.values) for part in parts)
    # Rounded, so that equal scores differ by exactly 0 and no side is won by a float's last bit.
    known = np.round(per_seed[np.isfinite(per_seed)], 9)
    if not len(known):
        return Effect(missing="the start is 0" if measure == RELATIVE else "not run")
    value = float(known.mean())
    trained = any(part.trained for part in parts)
    seeds = len(known) if trained and cells.seeds else 0
    # By benchmark: terms that are paired would count the same problems twice.
    asked = {cells.about[row].name: int(cells.n[row]) for part in parts for row in part.after[:, 0]}
    result = Effect(value, n=sum(asked.values()), seeds=seeds, benchmarks=len(asked),
                    per_seed=tuple(map(float, known)))  # fmt: skip
    if measure in COUNTS:
        return _counted(cells, parts, measure, result)
    error, freedom = problem_error(cells, parts, measure)
    result = bounded(result, error, freedom, bounds=fieller(cells, parts, measure, result.per_seed))
    if measure == SCORE and all(part.weight > 0 for part in parts):
        # No score lies outside its scale; with few problems the symmetric interval may.
        return replace(result, low=max(result.low, 0.0), high=min(result.high, 100.0))
    return result


def _counted(cells: Cells, parts: list[Part], measure: str, result: Effect) -> Effect:
    """Bound a count of signs, of six seeds or more.

    A jackknife does not hold for it: a sign flips, it does not bend. Problems are drawn again, and
    the variance is doubled: where nothing moves, the signs of drawn-again scores vary half as much
    as those of new problems would.
    """
    if result.seeds < LEAST_SIGNS:
        return replace(result, missing=TOO_FEW)
    if any(cells.answers[row] is None for part in parts for row in part.after.ravel()):
        return replace(result, missing="the problems' values are not known")
    drawn = drawn_again(cells, parts)
    spread = sum(part.weight * reduced(measure, part, drawn) for part in parts).std(ddof=1)
    return bounded(result, math.sqrt(2) * float(spread), DRAWS - 1, result.signs_error)


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


DRAWS = 500
"""Draws of problems for a count of signs."""


def _slopes(
    cells: Cells, part: Part, measure: str, alone: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return how the term's number moves with each of its scores: after, start, and in points.

    For a relative change that is `alone` the error is that under no change: Fieller's bounds
    hold 0 exactly where the change itself does.
    """
    if measure != RELATIVE:
        return part.share, -part.share * (measure == CHANGE), 1.0
    top, bottom = (
        float((part.share * np.nanmean(cells.values[rows], axis=2)).sum())
        for rows in (part.after, part.start)
    )
    by = 1.0 if alone else top / bottom
    return 100 * part.share / bottom, -100 * by * part.share / bottom, 100 / bottom


def problem_error(cells: Cells, parts: list[Part], measure: str) -> tuple[float, float]:
    """Return the standard error from the choice of problems, and its degrees of freedom."""
    # Summed per row over all terms first: a score that two terms share cancels (or counts double)
    # before it is squared, which is what pairs the terms.
    slopes: dict[int, float] = {}
    made_up = 0.0
    for part in parts:
        after, start, size = _slopes(cells, part, measure, len(parts) == 1)
        _add(slopes, part.after, part.weight * after)
        _add(slopes, part.start, part.weight * start)
        made_up += _made_up(cells, part, size)
    moves, alone, freedom = influence(cells, slopes)
    return math.sqrt(float(moves @ moves) + alone + made_up), freedom


def _add(slopes: dict[int, float], rows: np.ndarray, by: np.ndarray) -> None:
    """Add to the slopes of some rows."""
    for row, slope in zip(rows.ravel().tolist(), by.ravel().tolist(), strict=True):
        slopes[row] = slopes.get(row, 0.0) + slope


def _made_up(cells: Cells, part: Part, size: float) -> float:
    """Return the variance that two made-up problems, a step up and one down, add to a term.

    They are two in all, wherever they might stand: hence the mean over the benchmarks.
    """
    first = part.after[:, 0]
    steps = np.array([STEP[cells.about[row].metric] for row in first])
    n = cells.n[first]
    return float((2 * (part.weight * size * part.share.sum(axis=1) * steps / (n + 2)) ** 2).mean())


def influence(cells: Cells, slopes: dict[int, float]) -> tuple[np.ndarray, float, float]:
    """Return what each problem contributes to the error of a weighted sum of scores.

    Parameters
    ----------
    slopes : weight of each row.

    Returns
    -------
    Contributions [clusters] (their squares add up to the variance), the variance of the scores
    whose problems are not known, and degrees of freedom; NaN where a score has one problem.
    """
    # Scores without problems cannot be paired, although one model's stages answer the same ones.
    # Stages that are added up are taken to err together, stages set against each other to err
    # independently: the wider interval both times.
    alone: dict[tuple[str, str, str, bool], float] = {}
    least, bare = math.inf, None in cells.answers
    rows, touched = [], np.zeros(cells.clusters, dtype=bool)
    places = list(cells.index) if bare else []
    for row, slope in slopes.items():
        if not slope:
            continue
        if bare and cells.answers[row] is None:
            cell, n = places[row], int(cells.n[row])
            key = (cell.model, cell.variant, cell.benchmark, slope > 0)
            error = _share_error(float(np.nanmean(cells.values[row])), n)
            alone[key] = alone.get(key, 0.0) + slope * error
            least = min(least, n)
        else:
            rows.append(row)
            touched[cells.answers[row].cluster] = True
    moves = np.array([slopes[row] for row in rows]) @ cells.moves[rows]
    freedom = touched.sum() - 1 if rows else least - 1
    return moves, sum(error**2 for error in alone.values()), float(max(freedom, 1))


def _share_error(points: float, n: int) -> float:
    """Return the standard error of a score in percent when only its mean and n are known.

    That of a share, which no values between the same bounds exceed, with two made-up successes and
    two failures (Agresti and Coull 1998, Am. Stat. 52:119).
    """
    share = (points / 100 * n + 2) / (n + 4)
    return 100 * math.sqrt(share * (1 - share) / (n + 4))


def fieller(
    cells: Cells, parts: list[Part], measure: str, per_seed: tuple[float, ...]
) -> tuple[float, float] | None:
    """Return the bounds of one relative change by Fieller's theorem; None for any other effect.

    The set of ratios r for which after - r * start cannot be distinguished from 0. It has no end
    where the start itself cannot be distinguished from 0: then there is no interval.
    """
    if measure != RELATIVE or len(parts) != 1:
        return None
    part = parts[0]
    y: dict[int, float] = {}
    x: dict[int, float] = {}
    _add(y, part.after, part.share)
    _add(x, part.start, part.share)
    (of_y, alone_y, freedom), (of_x, alone_x, _) = influence(cells, y), influence(cells, x)
    t = stdtrit(freedom, (1 + CONFIDENCE) / 2) ** 2
    made_up = _made_up(cells, part, 1.0)
    top, bottom = (float(np.nansum([w * np.nanmean(cells.values[r]) for r, w in side.items()]))
                   for side in (y, x))  # fmt: skip
    seeds = 0.0
    if len(per_seed) > 1:
        # The spread over seeds is one of ratios; times the start it is one of after - r * start.
        spread = float(np.std(per_seed, ddof=1)) * bottom / 100
        seeds = stdtrit(len(per_seed) - 1, (1 + CONFIDENCE) / 2) ** 2 * spread**2 / len(per_seed)
    a = bottom**2 - t * (float(of_x @ of_x) + alone_x)
    b = -2 * (bottom * top - t * float(of_x @ of_y))
    c = top**2 - t * (float(of_y @ of_y) + alone_y + made_up) - seeds
    # Without a > 0 the set has no end: the start cannot be distinguished from 0.
    if a <= 0 or b * b < 4 * a * c:
        return math.nan, math.nan
    root = math.sqrt(b * b - 4 * a * c)
    low, high = ((-b + sign * root) / (2 * a) for sign in (-1, 1))
    return 100 * (low - 1), 100 * (high - 1)


def drawn_again(cells: Cells, parts: list[Part]) -> np.ndarray:
    """Return [rows, draws]: each cell's mean over its problems drawn again (weights of Poisson)."""
    rows = {int(r) for part in parts for r in (*part.after.ravel(), *part.start.ravel())}
    often = np.random.default_rng(cells.clusters).poisson(1, (DRAWS, cells.clusters))
    means = np.full((len(cells.index), DRAWS), np.nan)
    for row in rows:
        answers = cells.answers[row]
        if answers is not None:
            w = often[:, answers.cluster]
            means[row] = (w @ answers.value) / np.maximum(w.sum(axis=1), 1)
    return means
