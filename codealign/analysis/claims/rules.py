"""Rules: which scores are compared, and which number is made of the changes.

A rule is a selection (benchmarks, variants, stages, base scores admitted, models) and a statistic.
Statistics give one number or a few, in percent unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codealign.analysis.claims.board import Board
from codealign.analysis.scores import benchmarks

EQUAL = 1e-9
"""Scores closer than this are ties: printed scores have at most three digits."""


def _sets() -> dict[str, tuple[str, ...]]:
    f4 = tuple(b for b in benchmarks() if b.startswith("evoeval"))
    plain = {
        "F1-F3": ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus", "evalperf"),
        "F1-F2": ("humaneval", "humaneval_plus", "mbpp", "mbpp_plus"),
        "F1-F3 without HE+ and MBPP+": ("humaneval", "mbpp", "evalperf"),
        "F1-F3 without HE and MBPP": ("humaneval_plus", "mbpp_plus", "evalperf"),
        "HE and MBPP": ("humaneval", "mbpp"),
        "HE+ and MBPP+": ("humaneval_plus", "mbpp_plus"),
        "F1": ("humaneval", "humaneval_plus"),
        "HE": ("humaneval",),
        "HE+": ("humaneval_plus",),
    }
    dimensions = tuple(b for b in benchmarks() if b.startswith("codal_"))
    return {
        **plain,
        **{f"{name} and F4": (*names, *f4) for name, names in plain.items()},
        "F4": f4,
        "NF1-NF5": dimensions,
        "NF1-NF5 and Avg": (*dimensions, "codal"),
        "Avg": ("codal",),
        **{benchmarks()[d].task: (d,) for d in dimensions},
    }


SETS = _sets()
FUNCTIONAL = tuple(n for n in SETS if n.startswith(("F", "HE")))
NON_FUNCTIONAL = ("NF1-NF5", "NF1-NF5 and Avg", "Avg")

Reduce = Callable[[np.ndarray], np.ndarray]
_EACH: Reduce = lambda v: v  # noqa: E731
_BEST: Reduce = lambda v: v.max(axis=1, keepdims=True)  # noqa: E731
_MEAN: Reduce = lambda v: v.mean(axis=1, keepdims=True)  # noqa: E731
_WORST: Reduce = lambda v: v.min(axis=1, keepdims=True)  # noqa: E731
STAGE_RULES: dict[str, tuple[tuple[int, ...], Reduce]] = {
    "DPO": ((2,), _EACH),
    "BoNBoN": ((3,), _EACH),
    "SFT": ((1,), _EACH),
    "DPO and BoNBoN, each": ((2, 3), _EACH),
    "SFT, DPO and BoNBoN, each": ((1, 2, 3), _EACH),
    "best of DPO and BoNBoN": ((2, 3), _BEST),
    "best of SFT, DPO and BoNBoN": ((1, 2, 3), _BEST),
    "mean of DPO and BoNBoN": ((2, 3), _MEAN),
    "mean of SFT, DPO and BoNBoN": ((1, 2, 3), _MEAN),
    "worst of DPO and BoNBoN": ((2, 3), _WORST),
}
FLOORS = {"any base above 0": 0.0, "base at least 0.10": 0.1, "every base": -1.0}


@dataclass(frozen=True)
class Cells:
    """Pairs of a base score and a later one; all arrays have one entry a pair.

    `scale` is the largest possible score, so that `(after - base) / scale` is comparable.
    """

    base: np.ndarray
    after: np.ndarray
    model: np.ndarray
    variant: np.ndarray
    benchmark: np.ndarray
    scale: np.ndarray

    def __len__(self) -> int:
        return len(self.base)

    @property
    def change(self) -> np.ndarray:
        """after - base, in the metric's unit; ties are exactly 0."""
        raw = self.after - self.base
        return np.where(np.abs(raw) < EQUAL, 0.0, raw)

    @property
    def relative(self) -> np.ndarray:
        """Change in percent of the base score; NaN where the base is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.base > 0, 100 * self.change / self.base, np.nan)


@dataclass(frozen=True)
class Selection:
    """Which scores a rule takes; the names are keys of `SETS`, `STAGE_RULES` and `FLOORS`."""

    benchmarks: str
    stages: str
    floor: str = "any base above 0"
    variants: tuple[str, ...] = ("pretrained", "finetuned")
    models: tuple[str, ...] = ()

    def words(self) -> str:
        """The selection in words."""
        who = f"; models {', '.join(self.models)}" if self.models else ""
        return f"{self.benchmarks}; {self.stages}; {self.floor}; {' and '.join(self.variants)}{who}"


def pick(board: Board, selection: Selection) -> Cells:
    """Return the compared pairs; pairs of which a score was not run are left out."""
    mask = board.rows(SETS[selection.benchmarks], selection.variants, selection.models)
    columns, reduce = STAGE_RULES[selection.stages]
    values = board.values[mask]
    after = reduce(values[:, list(columns)])
    copies = after.shape[1]
    base, scale = (np.repeat(v, copies) for v in (values[:, 0], board.scale[mask]))
    flat = after.ravel()
    keep = np.isfinite(base) & np.isfinite(flat)
    floor = FLOORS[selection.floor]
    keep &= base / scale >= floor - EQUAL if floor > 0 else base > floor
    names = (np.repeat(v[mask], copies) for v in (board.model, board.variant, board.benchmark))
    return Cells(base[keep], flat[keep], *(n[keep] for n in names), scale[keep])


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan


def _by_model(cells: Cells, function: Callable[[np.ndarray], float]) -> float:
    pairs = np.array([f"{m} {v}" for m, v in zip(cells.model, cells.variant, strict=True)])
    return _mean(np.array([function(pairs == p) for p in np.unique(pairs)]))


def _ratio(base: np.ndarray, after: np.ndarray) -> float:
    return 100 * (after.sum() / base.sum() - 1) if base.sum() > 0 else np.nan


GAINS: dict[str, Callable[[Cells], float]] = {
    "mean relative change": lambda c: _mean(c.relative),
    "mean relative change of improving cells": lambda c: _mean(c.relative[c.change > 0]),
    "mean relative change of improving and equal cells": lambda c: _mean(
        c.relative[c.change >= 0]
    ),
    "median relative change": lambda c: _median(c.relative),
    "median relative change of improving cells": lambda c: _median(c.relative[c.change > 0]),
    "relative change of the summed scores": lambda c: _ratio(
        c.base / c.scale, c.after / c.scale
    ),
    "mean of each model's mean relative change": lambda c: _by_model(
        c, lambda m: _mean(c.relative[m])
    ),
    "mean of each model's mean over its improving cells": lambda c: _by_model(
        c, lambda m: _mean(c.relative[m & (c.change > 0)])
    ),
    "mean of each model's relative change of summed scores": lambda c: _by_model(
        c, lambda m: _ratio((c.base / c.scale)[m], (c.after / c.scale)[m])
    ),
}
SUCCESSES: dict[str, Callable[[Cells], float]] = {
    "share of cells that improve": lambda c: 100 * float((c.change > 0).mean()),
    "share of cells that improve or stay equal": lambda c: 100 * float((c.change >= 0).mean()),
    "mean of each model's share that improves": lambda c: _by_model(
        c, lambda m: 100 * float((c.change[m] > 0).mean())
    ),
    "mean of each model's share that improves or stays equal": lambda c: _by_model(
        c, lambda m: 100 * float((c.change[m] >= 0).mean())
    ),
}
