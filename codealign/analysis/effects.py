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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from codealign.analysis.cells import BENCHMARKS, MEMBERS, STEP, Cells, weights
from codealign.analysis.stats import CONFIDENCE
from codealign.cell import Cell
from codealign.records import STAGES, VARIANTS

SCORE, CHANGE, RELATIVE = "score", "change", "relative"
RISEN, FALLEN, LOST = "risen", "fallen", "lost"
MEASURES = (SCORE, CHANGE, RELATIVE, RISEN, FALLEN, LOST)
CATASTROPHE = -30.0
"""Relative change (%) that counts as a catastrophic failure."""
LEAST_SIGNS = 6
"""Fewest seeds (or models) of which a count of signs is tested: five agree by chance once in 16."""
DRAWS = 500
"""Draws of problems for a count of signs."""
PROBLEMS, SEEDS, MODELS = "problems", "seeds", "models"
ONE_RUN = "in this one training run"


@dataclass(frozen=True)
class Term:
    """A weighted mean over cells: of these pathways, stages and benchmarks.

    Attributes
    ----------
    weight : of the term in the contrast.
    requirement : of the benchmarks. `benchmarks` : () means those of the requirement's score.
    variants, stages : means over these; of `stages`, those that were run.
    start : stage that a change is taken from, of the main cell.
    model, trained, ablation : "" means the model asked about, the benchmarks' requirement, none.
    """

    weight: float = 1.0
    requirement: str = "functional"
    variants: tuple[str, ...] = VARIANTS
    stages: tuple[str, ...] = ("dpo", "bonbon")
    benchmarks: tuple[str, ...] = ()
    start: str = "base"
    model: str = ""
    trained: str = ""
    ablation: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks wanted."""
        return self.benchmarks or MEMBERS[self.requirement]

    def cell(self, model: str, variant: str, stage: str, name: str) -> Cell:
        """Return the cell of one benchmark."""
        cell = Cell(self.model or model, variant, self.requirement, stage, name)
        return cell if stage == "base" else cell.at(trained=self.trained or self.requirement,
                                                    ablation=self.ablation)  # fmt: skip

    def started(self, model: str, variant: str, name: str) -> Cell:
        """Return the cell that a change is taken from."""
        cell = Cell(self.model or model, variant, self.requirement, self.start, name)
        trained = self.trained or self.requirement
        return cell if self.start == "base" else cell.at(trained=trained)


Contrast = tuple[Term, ...]


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
        """1 or -1 if all of the interval lies above or below 0, else 0: it cannot be told."""
        return int(self.low > 0) - int(self.high < 0)

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
        cells.plans[plan] = _parts(cells, contrast, measure, model, weigh)
    parts = cells.plans[plan]
    if isinstance(parts, str):
        return Effect(rule=rule, missing=parts)
    per_seed = sum(part.weight * _reduce(measure, part, cells.values) for part in parts)
    known = np.round(per_seed[np.isfinite(per_seed)], 9)
    if not len(known):
        return Effect(rule=rule, missing="the start is 0" if measure == RELATIVE else "not run")
    value = float(known.mean())
    trained = any(part.trained for part in parts)
    seeds = len(known) if trained and cells.seeds else 0
    n = int(sum(cells.n[part.after[:, 0]].sum() for part in parts[:1]))
    found = Effect(value, n=n, seeds=seeds, rule=rule, benchmarks=len(parts[0].after),
                   per_seed=tuple(map(float, known)))  # fmt: skip
    if measure in (RISEN, FALLEN, LOST):
        return _counted(cells, parts, measure, found)
    error, freedom = _problem_error(cells, parts, measure)
    return _bounded(found, error, freedom, bounds=_fieller(cells, parts, measure, found))


@dataclass(frozen=True)
class _Part:
    """A term's rows: `after` and `start` [benchmarks, pathways and stages], weight of each."""

    weight: float
    after: np.ndarray
    start: np.ndarray
    share: np.ndarray
    trained: bool


def _parts(
    cells: Cells, contrast: Contrast, measure: str, model: str, weigh: str
) -> list[_Part] | str:
    """Return the rows of each term, or what is missing."""
    several = [t for t in contrast if len(t.stages) > 1]
    run = {s for t in several for s in t.stages}
    for term in several:  # a technique that one side lacks is compared on neither
        run &= {s for s in term.stages if _has(cells, term, s, model)}
    stages = [tuple(s for s in t.stages if len(t.stages) == 1 or s in run) for t in contrast]
    lacking = {
        name
        for term, mine in zip(contrast, stages, strict=True)
        for name in term.names
        if not mine or not _complete(cells, term, mine, name, model, measure)
    }
    parts = []
    for term, mine in zip(contrast, stages, strict=True):
        names = [name for name in term.names if name not in lacking]
        if not names:
            return f"not run: {_told(term)}"
        places = [(v, s) for v in term.variants for s in mine]
        rows = [[cells.index[term.cell(model, v, s, n)] for v, s in places] for n in names]
        starts = rows
        if measure != SCORE:
            starts = [[cells.index[term.started(model, v, n)] for v, _ in places] for n in names]
        share = np.repeat(weights(names, weigh)[:, None] / len(places), len(places), axis=1)
        parts.append(_Part(term.weight, np.array(rows), np.array(starts), share, mine != ("base",)))
    return parts


def _has(cells: Cells, term: Term, stage: str, model: str) -> bool:
    return any(
        all(term.cell(model, v, stage, name) in cells.index for v in term.variants)
        for name in term.names
    )


def _complete(
    cells: Cells, term: Term, stages: Sequence[str], name: str, model: str, measure: str
) -> bool:
    wanted = [term.cell(model, v, s, name) for v in term.variants for s in stages]
    if measure != SCORE:
        wanted += [term.started(model, v, name) for v in term.variants]
    return all(cell in cells.index for cell in wanted)


def _told(term: Term) -> str:
    who = f"{term.model} " if term.model else ""
    return f"{who}{' and '.join(term.variants)}, {' and '.join(term.stages)}, {term.requirement}"


def _reduce(measure: str, part: _Part, values: np.ndarray) -> np.ndarray:
    """Return a term's number for each column of `values` (seeds)."""
    after, start = values[part.after], values[part.start]  # [benchmarks, places, columns]
    share = part.share[:, :, None]
    if measure == SCORE:
        return (share * after).sum(axis=(0, 1))
    if measure == CHANGE:
        return (share * (after - start)).sum(axis=(0, 1))
    if measure == RELATIVE:
        top, bottom = (share * after).sum(axis=(0, 1)), (share * start).sum(axis=(0, 1))
        return 100 * (np.divide(top, bottom, where=bottom > 0, out=np.full(len(top), np.nan)) - 1)
    return 100 * (share * _counts(measure, after, start)).sum(axis=(0, 1))


def _counts(measure: str, after: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return what each score counts: 1 where it does so, half where nothing moved."""
    change = np.round(after - start, 9)
    if measure == LOST:
        return np.where(np.isnan(change), np.nan, 100 * change < CATASTROPHE * start)
    sign = 1 if measure == RISEN else -1
    return (1 + sign * np.sign(change)) / 2


def _counted(cells: Cells, parts: list[_Part], measure: str, found: Effect) -> Effect:
    """Bound a count of signs, of six seeds or more.

    A jackknife does not hold for it: a sign flips, it does not bend. Problems are drawn again, and
    the variance is doubled: where nothing moves, the signs of drawn-again scores vary half as much
    as those of new problems would. Two made-up seeds, one of either sign, keep equal seeds from
    claiming certainty.
    """
    if found.seeds < LEAST_SIGNS:
        why = f"a count of signs needs {LEAST_SIGNS} seeds: five agree by chance once in 16"
        return replace(found, missing=why)
    if any(cells.answers[row] is None for part in parts for row in part.after.ravel()):
        return replace(found, missing="the problems' values are not known")
    drawn = _drawn(cells, parts)
    spread = sum(part.weight * _reduce(measure, part, drawn) for part in parts).std(ddof=1)
    seeds = float(np.var(found.per_seed, ddof=1)) / found.seeds
    made_up = 2 * (100 / (found.seeds + 2)) ** 2
    return _bounded(found, math.sqrt(2) * float(spread), DRAWS - 1, math.sqrt(seeds + made_up))


def _drawn(cells: Cells, parts: list[_Part]) -> np.ndarray:
    """Return [rows, draws]: each cell's mean over its problems drawn again (weights of Poisson)."""
    rows = {int(r) for part in parts for r in (*part.after.ravel(), *part.start.ravel())}
    often = np.random.default_rng(cells.clusters).poisson(1, (DRAWS, cells.clusters))
    means = np.full((len(cells.index), DRAWS), np.nan)
    for row in rows:
        mine = cells.answers[row]
        if mine is not None:
            w = often[:, mine.cluster]
            means[row] = (w @ mine.value) / np.maximum(w.sum(axis=1), 1)
    return means


def _bounded(
    found: Effect,
    error: float,
    freedom: float,
    seed_error: float | None = None,
    bounds: tuple[float, float] | None = None,
) -> Effect:
    if math.isnan(error):
        return replace(found, missing="one problem has no interval")
    several = found.seeds > 1
    if seed_error is None:
        seed_error = (
            float(np.std(found.per_seed, ddof=1)) / math.sqrt(found.seeds) if several else 0
        )
    half = half_width(seed_error, found.seeds, error, freedom, CONFIDENCE)
    low, high = bounds or (found.value - half, found.value + half)
    return replace(
        found, low=low, high=high, holds=(PROBLEMS, SEEDS) if several else (PROBLEMS,),
        missing="the start is too near 0 for an interval" if math.isnan(low) else "",
        seed_error=seed_error, problem_error=error, freedom=freedom,
    )  # fmt: skip


def _slopes(
    cells: Cells, part: _Part, measure: str, alone: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return how the term's number moves with each of its scores: after, start, and in points.

    Of a relative change that stands `alone` the error is that under no change: Fieller's bounds
    hold 0 exactly where the change itself does.
    """
    if measure != RELATIVE:
        return part.share, -part.share * (measure == CHANGE), 1.0
    mean = (
        np.nanmean(cells.values[part.after], axis=2),
        np.nanmean(cells.values[part.start], axis=2),
    )
    top, bottom = (float((part.share * side).sum()) for side in mean)
    by = 1.0 if alone else top / bottom
    return 100 * part.share / bottom, -100 * by * part.share / bottom, 100 / bottom


def _problem_error(cells: Cells, parts: list[_Part], measure: str) -> tuple[float, float]:
    """Return the standard error from the choice of problems, and its degrees of freedom."""
    slopes: dict[int, float] = {}
    made_up = 0.0
    for part in parts:
        after, start, size = _slopes(cells, part, measure, len(parts) == 1)
        for rows, by in ((part.after, after), (part.start, start)):
            for row, slope in zip(rows.ravel(), by.ravel(), strict=True):
                slopes[int(row)] = slopes.get(int(row), 0.0) + part.weight * float(slope)
        made_up += _made_up(cells, part, size)
    moves, alone, freedom = influence(cells, slopes)
    return math.sqrt(float(moves @ moves) + alone + made_up), freedom


def _made_up(cells: Cells, part: _Part, size: float) -> float:
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
    Of the latter, one model's stages answer the same problems: those that are added up are taken
    to err together, those that are set against each other to err independently.
    """
    moves = np.zeros(max(cells.clusters, 1))
    touched, least = np.zeros(len(moves), dtype=bool), math.inf
    alone: dict[tuple[str, str, str, bool], float] = {}
    places = list(cells.index) if None in cells.answers else []
    for row, slope in slopes.items():
        mine, n = cells.answers[row], int(cells.n[row])
        if not slope:
            continue
        if mine is None:
            cell, error = places[row], _share_error(float(np.nanmean(cells.values[row])), n)
            key = (cell.model, cell.variant, cell.benchmark, slope > 0)
            alone[key] = alone.get(key, 0.0) + slope * error
            least = min(least, n)
            continue
        n = len(mine.value)
        off = (mine.value - mine.value.mean()) / math.sqrt(n * (n - 1)) if n > 1 else math.nan
        moves += np.bincount(mine.cluster, slope * off, len(moves))
        touched[mine.cluster] = True
    freedom = max(int(touched.sum()) - 1, 1) if touched.any() else max(least - 1, 1)
    return moves, sum(error**2 for error in alone.values()), float(freedom)


def _share_error(points: float, n: int) -> float:
    """Return the standard error of a score in percent of which only mean and n are known.

    That of a share, which no values between the same bounds exceed, with two made-up successes and
    two failures (Agresti and Coull 1998, Am. Stat. 52:119).
    """
    share = (points / 100 * n + 2) / (n + 4)
    return 100 * math.sqrt(share * (1 - share) / (n + 4))


def _fieller(
    cells: Cells, parts: list[_Part], measure: str, found: Effect
) -> tuple[float, float] | None:
    """Return the bounds of one relative change by Fieller's theorem; None for any other effect.

    The set of ratios r for which after - r * start cannot be told from 0. It has no end where the
    start itself cannot be told from 0: then there is no interval.
    """
    if measure != RELATIVE or len(parts) != 1:
        return None
    part = parts[0]
    y, x = ({}, {})
    for rows, into in ((part.after, y), (part.start, x)):
        for row, share in zip(rows.ravel(), part.share.ravel(), strict=True):
            into[int(row)] = into.get(int(row), 0.0) + float(share)
    (of_y, alone_y, freedom), (of_x, alone_x, _) = influence(cells, y), influence(cells, x)
    t = stdtrit(freedom, (1 + CONFIDENCE) / 2) ** 2
    made_up = _made_up(cells, part, 1.0)
    top, bottom = (float(np.nansum([w * np.nanmean(cells.values[r]) for r, w in side.items()]))
                   for side in (y, x))  # fmt: skip
    seeds = 0.0
    if found.seeds > 1:
        spread = float(np.std(found.per_seed, ddof=1)) * bottom / 100
        seeds = stdtrit(found.seeds - 1, (1 + CONFIDENCE) / 2) ** 2 * spread**2 / found.seeds
    a = bottom**2 - t * (float(of_x @ of_x) + alone_x)
    b = -2 * (bottom * top - t * float(of_x @ of_y))
    c = top**2 - t * (float(of_y @ of_y) + alone_y + made_up) - seeds
    if a <= 0 or b * b < 4 * a * c:
        return math.nan, math.nan
    root = math.sqrt(b * b - 4 * a * c)
    low, high = ((-b + sign * root) / (2 * a) for sign in (-1, 1))
    return 100 * (low - 1), 100 * (high - 1)


def pooled(found: Sequence[Effect]) -> Effect:
    """Return the mean of one effect over models, each with its own interval or none.

    With several seeds it is about these models, and holds what theirs hold. With one seed, three
    models or more (six of a count of signs) stand for models in general: Student's t over them.
    """
    known = [e for e in found if not math.isnan(e.value)]
    if len(known) < 2:
        return known[0] if known else next(iter(found), Effect(missing="not run"))
    values = np.array([e.value for e in known])
    mean = Effect(
        float(values.mean()), n=sum(e.n for e in known), seeds=min(e.seeds for e in known),
        rule=known[0].rule, missing=known[0].missing, benchmarks=known[0].benchmarks,
    )  # fmt: skip
    counts = any(math.isnan(e.low) for e in known)
    if mean.seeds < 2 and len(known) >= (LEAST_SIGNS if counts else 3):
        error = float(values.std(ddof=1)) / math.sqrt(len(known))
        over = replace(mean, seeds=len(known), missing="", per_seed=tuple(map(float, values)))
        return replace(_bounded(over, 0.0, 1.0, error), holds=(MODELS,)) if error else mean
    if counts:
        return mean
    errors = [math.hypot(*(getattr(e, name) for e in known)) / len(known)
              for name in ("problem_error", "seed_error")]  # fmt: skip
    return _bounded(mean, errors[0], min(e.freedom for e in known), errors[1])


def minus(first: Effect, second: Effect) -> Effect:
    """Return the difference of two independent effects, such as of two groups of models."""
    both = (first, second)
    found = replace(
        first, value=first.value - second.value, n=first.n + second.n,
        seeds=min(e.seeds for e in both), low=math.nan, high=math.nan,
    )  # fmt: skip
    if any(math.isnan(e.low) for e in both) or first.holds != second.holds:
        return replace(found, holds=(), missing="one side has too few models")
    errors = [math.hypot(*(getattr(e, name) for e in both))
              for name in ("problem_error", "seed_error")]  # fmt: skip
    told = _bounded(found, errors[0], min(e.freedom for e in both), errors[1])
    return replace(told, holds=first.holds)


def split(cells: Cells, model: str = "", rule: str = "") -> Effect:
    """Return by how much more often scores that fell in SFT end below the base than the others.

    A fall in SFT and an end below the base share one base score, whose own error ties them
    together. So the fall is looked for on one half of the problems and the end on the other, both
    ways round; the number is the difference of the two shares, in percent.
    """
    tables = []
    for column in range(cells.halves.shape[1]):
        for side in (0, 1):
            tables.append(_fell_and_ended(cells, model, column, side))
    per_seed = []
    for pair in zip(tables[::2], tables[1::2], strict=True):
        shares = [_gap(*table) for table in pair]
        per_seed.append(sum(shares) / 2)
    known = tuple(float(v) for v in np.round(per_seed, 9) if math.isfinite(v))
    if not known:
        why = "it takes each seed's problems, and scores that fell in SFT as well as others"
        return Effect(rule=rule, missing=why)
    fell, ended = (np.concatenate(part) for part in zip(*tables, strict=True))
    places = len(tables[0][0])
    found = Effect(float(np.mean(known)), n=places, seeds=len(known), rule=rule, per_seed=known)
    if found.seeds < LEAST_SIGNS:
        why = f"a count of signs needs {LEAST_SIGNS} seeds: five agree by chance once in 16"
        return replace(found, missing=why)
    part = float(fell.mean())
    made_up = 2 * (100 / (found.seeds + 2)) ** 2
    seeds = float(np.var(known, ddof=1)) / found.seeds + made_up
    # Each place is one draw, however many seeds look at it: that is a share's largest variance.
    least = max(min(part, 1 - part) * places, 1.0)
    return _bounded(found, 100 * 0.5 / math.sqrt(least), places, math.sqrt(seeds))


def _fell_and_ended(
    cells: Cells, model: str, column: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    fell, ended = [], []
    for requirement, names in MEMBERS.items():
        for name in names:
            for variant in VARIANTS:
                places = [cells.row(Cell(model, variant, requirement, s, name)) for s in STAGES]
                base, sft, *aligned = places
                aligned = [row for row in aligned if row is not None]
                if base is None or sft is None or not aligned:
                    continue
                one, other = (cells.halves[:, column, s] for s in (side, 1 - side))
                fell.append(one[sft] - one[base])
                ended.append(max(other[row] for row in aligned) - other[base])
    known = np.isfinite(fell) & np.isfinite(ended)
    return np.array(fell)[known] < 0, np.array(ended)[known] < 0


def _gap(fell: np.ndarray, ended: np.ndarray) -> float:
    if not fell.any() or fell.all():
        return math.nan
    return 100 * float(ended[fell].mean() - ended[~fell].mean())
