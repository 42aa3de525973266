"""Rules: which scores are compared, and which number is made of the changes.

Scores are a board: one row per model, variant and benchmark, one column per stage. A rule is a
selection (benchmarks, variants, stages, base scores admitted, models) and a statistic. Statistics
give one number or a few, in percent unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from codealign.analysis.cells import Cells, Problems, cells_of
from codealign.analysis.changes import changes
from codealign.analysis.claims.names import OTHERS, WORDS
from codealign.analysis.scores import PAPER, benchmark, benchmarks, over_seeds
from codealign.cell import Cell
from codealign.errors import CodealignError, nearest
from codealign.records import STAGES

MODELS = {
    "llama": "Meta-Llama-3-8B",
    "qwen": "Qwen2.5-Coder-7B",
    "codellama": "CodeLlama-7b",
    "ds1": "deepseek-coder-1.3b",
    "ds7": "deepseek-coder-7b",
}
LABELS = dict(zip(STAGES, ("base", "SFT", "DPO", "BoNBoN"), strict=True))
VARIANT = {"pre": "pretrained", "fine": "finetuned"}
CODE_MODELS = tuple(m for m in MODELS.values() if not m.startswith("Meta"))


@dataclass(frozen=True)
class Board:
    """Arrays of one source's scores; all have one entry per row of (model, variant, benchmark).

    `values` has shape (rows, 4), columns base, sft, dpo, bonbon; NaN is a cell that was not run.
    `group` numbers the pairs of model and variant; `cache` holds what rules have picked already.
    """

    source: str
    model: np.ndarray
    variant: np.ndarray
    benchmark: np.ndarray
    requirement: np.ndarray
    scale: np.ndarray
    group: np.ndarray
    values: np.ndarray
    cache: dict[object, object] = field(default_factory=dict, compare=False)

    def rows(
        self, names: tuple[str, ...], variants: tuple[str, ...], models: tuple[str, ...] = ()
    ) -> np.ndarray:
        """Return a mask of the rows of these benchmarks, variants and models (() is all)."""
        mask = np.isin(self.benchmark, names) & np.isin(self.variant, variants)
        return mask & np.isin(self.model, models) if models else mask

    def value(self, cell: Cell) -> float:
        """Return one score; NaN when it was not run."""
        mask = self.rows((cell.benchmark,), (cell.variant,), (cell.model,))
        return float(self.values[mask, STAGES.index(cell.stage)][0]) if mask.any() else np.nan


def cell(text: str) -> Cell:
    """Read a cell from "llama pre humaneval dpo" (short model, short variant, benchmark, stage)."""
    model, variant, name, stage = text.split()
    if model not in MODELS or variant not in VARIANT or stage not in STAGES:
        raise CodealignError(f"claims: cell {text!r}: need model, pre or fine, benchmark, stage")
    return Cell(MODELS[model], VARIANT[variant], benchmark(name).requirement, stage, name)


def words(cell: Cell) -> str:
    """Return a cell in words."""
    label = benchmark(cell.benchmark).label
    return f"{cell.model} {cell.variant}, {label}, {LABELS[cell.stage]}"


def board_of(frame: pd.DataFrame) -> Board:
    """Lay the scores of a tidy frame on the paper's benchmarks out as a board.

    Raises
    ------
    CodealignError
        The frame mixes sources; a board has one.
    """
    frame = frame[frame["benchmark"].isin(list(benchmarks()))]
    sources = list(frame["source"].unique())
    if len(sources) > 1:
        raise CodealignError(f"claims: scores of {sources} in one frame; pass one source at a time")
    wide = frame.pivot(
        index=["model", "variant", "benchmark"], columns="stage", values="value"
    ).reindex(columns=list(STAGES))
    index = wide.index.to_frame(index=False)
    about = benchmarks()
    return Board(
        source=sources[0] if sources else "",
        model=index["model"].to_numpy(dtype=object),
        variant=index["variant"].to_numpy(dtype=object),
        benchmark=index["benchmark"].to_numpy(dtype=object),
        requirement=np.array([about[b].requirement for b in index["benchmark"]], dtype=object),
        scale=np.array([about[b].scale for b in index["benchmark"]], dtype=float),
        group=index.groupby(["model", "variant"]).ngroup().to_numpy(dtype=int),
        values=wide.to_numpy(dtype=float),
    )


@dataclass(frozen=True)
class Scores:
    """Scores of one source (`rows`, tidy, one per seed) and its per-problem values (`items`)."""

    rows: pd.DataFrame
    items: Problems = field(default_factory=dict)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The main cells, one row each: means over the seeds."""
        return over_seeds(self.rows)

    @cached_property
    def cells(self) -> Cells:
        """The scores as the engine takes them."""
        return cells_of(self.rows, self.items)

    @cached_property
    def board(self) -> Board:
        """The scores as arrays."""
        return board_of(self.frame)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Every change against its base, with interval, test and corrections."""
        return changes(self.rows, self.items)

    @property
    def paper(self) -> bool:
        """Whether the scores are the published ones."""
        return self.board.source == PAPER


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
        "F1-F3 and F4 + NF1-NF5": (*plain["F1-F3"], *f4, *dimensions),
    }


SETS = _sets()


FUNCTIONAL = tuple(
    key for key, names in SETS.items()
    if all(benchmark(name).requirement == "functional" for name in names)
)  # fmt: skip
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
BASE_RULE = {"base": ((0,), _EACH)}
"""For what is asked of the base scores themselves; no grid varies over it."""
FLOORS = {
    "any base above 0": 0.0,
    "every base": -1.0,
    **{f"base at least {cut:.2f}": cut for cut in (0.05, 0.10, 0.12, 0.15, 0.20)},
}
PAPER_FLOOR = "base at least 0.10"
"""The floor that the paper names (section 4.1.1 and O2)."""
MODEL_SETS: dict[str, tuple[str, ...]] = {
    "all": (),
    "code": CODE_MODELS,
    "without CodeLlama": tuple(m for m in MODELS.values() if m != MODELS["codellama"]),
    "without Llama": tuple(m for m in MODELS.values() if m != MODELS["llama"]),
    "without Qwen": tuple(m for m in MODELS.values() if m != MODELS["qwen"]),
    "only Qwen": (MODELS["qwen"],),
}


@dataclass(frozen=True)
class Pairs:
    """Pairs of a base score and a later one; all arrays have one entry per pair.

    `scale` is the largest possible score, so that `(after - base) / scale` is comparable; `group`
    numbers the pairs of model and variant.
    """

    base: np.ndarray
    after: np.ndarray
    model: np.ndarray
    variant: np.ndarray
    benchmark: np.ndarray
    scale: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.base)

    @cached_property
    def change(self) -> np.ndarray:
        """after - base, in the metric's unit; ties are exactly 0."""
        raw = self.after - self.base
        return np.where(np.abs(raw) < EQUAL, 0.0, raw)

    @cached_property
    def relative(self) -> np.ndarray:
        """Change in percent of the base score; NaN where the base is 0."""
        known = self.base > 0
        return np.divide(100 * self.change, self.base, where=known, out=np.full(len(self), np.nan))

    @cached_property
    def members(self) -> np.ndarray:
        """Number of cells of each group."""
        return np.bincount(self.group)

    def total(self, values: np.ndarray, mask: np.ndarray | bool = True) -> np.ndarray:
        """Return the sum of values (where `mask`) in each group that has cells."""
        sums = np.bincount(self.group, weights=np.where(mask, values, 0.0))
        return sums[self.members > 0]

    def share(self, mask: np.ndarray) -> np.ndarray:
        """Return the share of cells where `mask` holds, for each group that has cells."""
        return self.total(self._ones, mask) / self.members[self.members > 0]

    @cached_property
    def known_relative(self) -> np.ndarray:
        """Relative changes with 0 where the base is 0, for sums."""
        return np.where(self.base > 0, self.relative, 0.0)

    def average(self, mask: np.ndarray | bool = True) -> np.ndarray:
        """Return each group's mean relative change where `mask`; NaN where there is none."""
        mask = mask & (self.base > 0)
        return _divide(self.total(self.known_relative, mask), self.total(self._ones, mask))

    @cached_property
    def averages(self) -> np.ndarray:
        """Each group's mean relative change over all its cells."""
        return self.average()

    @cached_property
    def _ones(self) -> np.ndarray:
        return np.ones(len(self))


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, where=bottom > 0, out=np.full(len(top), np.nan))


@dataclass(frozen=True)
class Selection:
    """Which scores a rule takes; the names are keys of `SETS`, `STAGE_RULES` and `FLOORS`.

    A part that a grid does not vary is "" (or ()) and left out of the words. `start` is the stage
    that a change is taken from.
    """

    benchmarks: str
    stages: str = ""
    floor: str = "any base above 0"
    variants: tuple[str, ...] = ("pretrained", "finetuned")
    models: tuple[str, ...] = ()
    start: str = "base"

    def words(self) -> str:
        """The selection in words."""
        who = f"models {', '.join(self.models)}" if self.models else ""
        parts = (self.benchmarks, self.stages, self.floor, " and ".join(self.variants), who)
        return "; ".join(p for p in parts if p)


@dataclass(frozen=True)
class Rule:
    """One rule that a published number may come from, as data.

    Attributes
    ----------
    statistic : what is computed, by its name (`names.WORDS`).
    selection : the scores it is computed from.
    against : what the second number is computed from, where a grid pairs two; else "".
    """

    statistic: str
    selection: Selection
    against: str = ""

    def words(self) -> str:
        """The rule in words, as the ledger shows it."""
        against = f"; against {self.against}" if self.against else ""
        return f"{WORDS[self.statistic]}: {self.selection.words()}{against}"


Candidate = tuple[Rule, tuple[float, ...]]
"""A rule and the numbers it gives (NaN where it gives none), one for each published one."""


def read_rule(data: Mapping[str, object], variants: Sequence[str]) -> Rule:
    """Read a rule from the data of a statement: `statistic`, the parts of a selection, `against`.

    Raises
    ------
    CodealignError
        A name that `WORDS`, `SETS`, `STAGE_RULES`, `FLOORS` or `MODEL_SETS` lacks.
    """
    parts = dict(data)
    variants = tuple(parts.pop("variants", variants))
    tables = {"statistic": WORDS, "benchmarks": SETS, "against": (*SETS, *OTHERS),
              "stages": STAGE_RULES, "floor": FLOORS, "models": MODEL_SETS}  # fmt: skip
    for part, name in parts.items():
        known = tables.get(part, {})
        if name not in ("", *known):
            raise CodealignError(f"claims: {part} {name!r}" + nearest(str(name), [*known]))
    statistic, against = str(parts.pop("statistic")), str(parts.pop("against", ""))
    models = MODEL_SETS[parts.pop("models", "all")]
    return Rule(statistic, Selection(**parts, variants=variants, models=models), against)


def pick(board: Board, selection: Selection) -> Pairs:
    """Return the compared pairs; pairs of which a score was not run are left out."""
    if selection not in board.cache:
        board.cache[selection] = _pick(board, selection)
    return board.cache[selection]


def _pick(board: Board, selection: Selection) -> Pairs:
    # A grid asks for the same rows under every stage and floor.
    key = (selection.benchmarks, selection.variants, selection.models)
    if key not in board.cache:
        board.cache[key] = board.rows(SETS[key[0]], key[1], key[2])
    mask = board.cache[key]
    columns, reduce = (STAGE_RULES | BASE_RULE)[selection.stages]
    values, limit = board.values[mask], board.scale[mask]
    after = reduce(values[:, list(columns)])
    # With stages taken each by itself a start score belongs to as many pairs.
    copies = after.shape[1]
    start = values[:, STAGES.index(selection.start)]
    flat, floor = after.ravel(), FLOORS[selection.floor]
    # Not a floor, but a strict comparison: "above 0" leaves 0 out, "every base" (-1) lets it in.
    enough = start / limit >= floor - EQUAL if floor > 0 else start > floor
    keep = np.repeat(enough, copies) & np.isfinite(flat)
    names = (board.model, board.variant, board.benchmark, board.scale, board.group)
    rest = (np.repeat(v[mask], copies)[keep] for v in names)
    return Pairs(np.repeat(start, copies)[keep], flat[keep], *rest)


def mean(values: np.ndarray) -> float:
    """Return the mean of the known values; NaN of none."""
    # Called for every candidate of every grid: `np.nanmean` would take much longer.
    values = values[np.isfinite(values)]
    return float(np.add.reduce(values)) / len(values) if len(values) else np.nan


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan


def _ratio(cells: Pairs) -> float:
    base = float((cells.base / cells.scale).sum())
    return 100 * (float((cells.after / cells.scale).sum()) / base - 1) if base > 0 else np.nan


def _ratio_by_model(cells: Pairs) -> float:
    sums = (cells.total(v / cells.scale) for v in (cells.after, cells.base))
    return 100 * (mean(_divide(*sums)) - 1)


GAINS: dict[str, Callable[[Pairs], float]] = {
    "gain": lambda c: mean(c.relative),
    "gain_improving": lambda c: mean(c.relative[c.change > 0]),
    "gain_improving_equal": lambda c: mean(c.relative[c.change >= 0]),
    "median": lambda c: _median(c.relative),
    "median_improving": lambda c: _median(c.relative[c.change > 0]),
    "summed": _ratio,
    "model_gain": lambda c: mean(c.averages),
    "model_gain_improving": lambda c: mean(c.average(c.change > 0)),
    "model_summed": _ratio_by_model,
}
SUCCESSES: dict[str, Callable[[Pairs], float]] = {
    "improve": lambda c: 100 * float((c.change > 0).mean()),
    "improve_equal": lambda c: 100 * float((c.change >= 0).mean()),
    "model_improve": lambda c: 100 * mean(c.share(c.change > 0)),
    "model_improve_equal": lambda c: 100 * mean(c.share(c.change >= 0)),
}
