"""Effects put together: over models, between groups of models, over halves of the problems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codealign.analysis.cells import MEMBERS, Cells
from codealign.analysis.effects import LEAST_SIGNS, MODELS, TOO_FEW, Effect, bounded
from codealign.cell import Cell
from codealign.records import STAGES, VARIANTS


def pooled(effects: Sequence[Effect]) -> Effect:
    """Return the mean of one effect over models, each with its own interval or none.

    With several seeds it is about these models, and holds what theirs hold. With one seed, three
    models or more (six of a count of signs) stand for models in general: Student's t over them.
    """
    known = [e for e in effects if not math.isnan(e.value)]
    if len(known) < 2:
        return known[0] if known else next(iter(effects), Effect(missing="not run"))
    values = np.array([e.value for e in known])
    mean = Effect(
        float(values.mean()), n=sum(e.n for e in known), seeds=min(e.seeds for e in known),
        rule=known[0].rule, missing=known[0].missing, benchmarks=known[0].benchmarks,
    )  # fmt: skip
    counts = any(math.isnan(e.low) for e in known)
    if mean.seeds < 2 and len(known) >= (LEAST_SIGNS if counts else 3):
        error = float(values.std(ddof=1)) / math.sqrt(len(known))
        over = replace(mean, seeds=len(known), missing="", per_seed=tuple(map(float, values)))
        return replace(bounded(over, 0.0, 1.0, error), holds=(MODELS,)) if error else mean
    if counts:
        return mean
    errors = [math.hypot(*(getattr(e, name) for e in known)) / len(known)
              for name in ("problem_error", "seed_error")]  # fmt: skip
    return bounded(mean, errors[0], min(e.freedom for e in known), errors[1])


def minus(first: Effect, second: Effect) -> Effect:
    """Return the difference of two independent effects, such as of two groups of models."""
    both = (first, second)
    result = replace(
        first, value=first.value - second.value, n=first.n + second.n,
        seeds=min(e.seeds for e in both), low=math.nan, high=math.nan,
    )  # fmt: skip
    if any(math.isnan(e.low) for e in both) or first.holds != second.holds:
        return replace(result, holds=(), missing="one side has too few models")
    errors = [math.hypot(*(getattr(e, name) for e in both))
              for name in ("problem_error", "seed_error")]  # fmt: skip
    told = bounded(result, errors[0], min(e.freedom for e in both), errors[1])
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
    result = Effect(float(np.mean(known)), n=places, seeds=len(known), rule=rule, per_seed=known)
    if result.seeds < LEAST_SIGNS:
        return replace(result, missing=TOO_FEW)
    part = float(fell.mean())
    made_up = 2 * (100 / (result.seeds + 2)) ** 2
    seeds = float(np.var(known, ddof=1)) / result.seeds + made_up
    # Each place is one draw, however many seeds look at it: that is a share's largest variance.
    least = max(min(part, 1 - part) * places, 1.0)
    return bounded(result, 100 * 0.5 / math.sqrt(least), places, math.sqrt(seeds))


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
