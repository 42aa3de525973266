"""Which scores are compared: a board of scores, selections of it, and pairs of two scores.

A board has one row per model, variant and benchmark, one column per stage. A selection names
benchmarks, variants, stages, base scores admitted and models; `pick` returns its pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from codealign.analysis.cells import Cells, Problems, cells_of
from codealign.analysis.changes import changes
from codealign.analysis.scores import PAPER, benchmark, benchmarks, over_seeds
from codealign.cell import Cell
from codealign.errors import CodealignError
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
EQUAL = 1e-9
"""Scores closer than this are ties: printed scores have at most three digits."""


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

    def in_variant(self, variant: str) -> np.ndarray:
        """Return for each row the scores [rows, 4] of its model and benchmark in one variant."""
        where = {(self.model[i], self.benchmark[i]): i
                 for i in np.flatnonzero(self.variant == variant)}  # fmt: skip
        keys = zip(self.model, self.benchmark, strict=True)
        other = np.array([where.get(key, -1) for key in keys], dtype=int)
        return np.where(other[:, None] < 0, np.nan, self.values[other])


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
    about = benchmarks()
    frame = frame[frame["benchmark"].isin(list(about))]
    sources = list(frame["source"].unique())
    if len(sources) > 1:
        raise CodealignError(f"claims: scores of {sources} in one frame; pass one source at a time")
    names = ["model", "variant", "benchmark"]
    wide = frame.pivot(index=names, columns="stage", values="value").reindex(columns=list(STAGES))
    index = wide.index.to_frame(index=False)
    return Board(
        sources[0] if sources else "",
        *(index[name].to_numpy(dtype=object) for name in names),
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

_TWO, _THREE = (2, 3), (1, 2, 3)
StageRule = tuple[tuple[int, ...], Callable[..., np.ndarray] | None]
STAGE_RULES: dict[str, StageRule] = {
    "DPO": ((2,), None),
    "BoNBoN": ((3,), None),
    "SFT": ((1,), None),
    "DPO and BoNBoN, each": (_TWO, None),
    "SFT, DPO and BoNBoN, each": (_THREE, None),
    "best of DPO and BoNBoN": (_TWO, np.max),
    "best of SFT, DPO and BoNBoN": (_THREE, np.max),
    "mean of DPO and BoNBoN": (_TWO, np.mean),
    "mean of SFT, DPO and BoNBoN": (_THREE, np.mean),
    "worst of DPO and BoNBoN": (_TWO, np.min),
}
"""Columns, and what is made of them; None takes each by itself. Grids vary over these."""
IN_WORDS = tuple(LABELS.values())
LISTED: dict[str, StageRule] = {
    ", ".join(IN_WORDS[column] for column in columns): (columns, None)
    for size in range(1, len(IN_WORDS) + 1)
    for columns in combinations(range(len(IN_WORDS)), size)
}
"""Stages by name, such as "base" or "SFT, DPO", each by itself; no grid varies over them."""
_KNOWN = LISTED | STAGE_RULES
FLOORS = {
    "any base above 0": 0.0,
    "every base": -1.0,
    **{f"base at least {cut:.2f}": cut for cut in (0.05, 0.10, 0.12, 0.15, 0.20)},
}
PAPER_FLOOR = "base at least 0.10"
"""The floor that the paper names (section 4.1.1 and O2)."""
MODEL_SETS: dict[str, tuple[str, ...]] = {
    "all": (),
    "code": tuple(m for m in MODELS.values() if not m.startswith("Meta")),
    "without CodeLlama": tuple(m for m in MODELS.values() if m != MODELS["codellama"]),
    "without Llama": tuple(m for m in MODELS.values() if m != MODELS["llama"]),
    "without Qwen": tuple(m for m in MODELS.values() if m != MODELS["qwen"]),
    "only Qwen": (MODELS["qwen"],),
}


@dataclass(frozen=True)
class Pairs:
    """Pairs of a start score and a later one; all arrays have one entry per pair.

    `scale` is the largest possible score, so that `(after - base) / scale` is comparable; `group`
    numbers the pairs of model and variant; `stage` is that of the later score, in words.
    """

    base: np.ndarray
    after: np.ndarray
    stage: np.ndarray
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
    def groups(self) -> list[np.ndarray]:
        """A mask of each model and variant."""
        return [self.group == g for g in np.unique(self.group)]

    def share(self, mask: np.ndarray) -> np.ndarray:
        """Return the share of cells where `mask` holds, for each group."""
        return np.array([mask[g].mean() for g in self.groups])

    def average(self, mask: np.ndarray | bool = True) -> np.ndarray:
        """Return each group's mean relative change where `mask`; NaN where there is none."""
        return np.array([mean(self.relative[g & mask]) for g in self.groups])

    @cached_property
    def averages(self) -> np.ndarray:
        """Each group's mean relative change over all its cells."""
        return self.average()


def mean(values: np.ndarray) -> float:
    """Return the mean of the known values; NaN of none."""
    # Called for every candidate of every grid: `np.nanmean` would take much longer.
    values = values[np.isfinite(values)]
    return float(np.add.reduce(values)) / len(values) if len(values) else np.nan


def percent(mask: np.ndarray) -> float:
    """Return the share of True in percent."""
    return 100 * float(mask.mean())


@dataclass(frozen=True)
class Selection:
    """Which scores a rule takes, by names of `SETS` (or one benchmark), `STAGE_RULES`, `FLOORS`.

    A part that a grid does not vary is "" (or ()) and left out of the words. `start` names the
    stages that a change is taken from ("": the score itself), `start_variant` the variant that they
    are of ("": that of the later score).
    """

    benchmarks: str
    stages: str = ""
    floor: str = "any base above 0"
    variants: tuple[str, ...] = ("pretrained", "finetuned")
    models: tuple[str, ...] = ()
    start: str = "base"
    start_variant: str = ""

    def words(self) -> str:
        """The selection in words."""
        who = f"models {', '.join(self.models)}" if self.models else ""
        parts = (self.benchmarks, self.stages, self.floor, " and ".join(self.variants), who)
        return "; ".join(p for p in parts if p)


def pick(board: Board, selection: Selection) -> Pairs:
    """Return the compared pairs; pairs of which a score was not run are left out."""
    if selection not in board.cache:
        board.cache[selection] = _pick(board, selection)
    return board.cache[selection]


def _pick(board: Board, selection: Selection) -> Pairs:
    # A grid asks for the same rows under every stage and floor.
    key = (selection.benchmarks, selection.variants, selection.models)
    if key not in board.cache:
        names = SETS.get(selection.benchmarks, (selection.benchmarks,))
        board.cache[key] = board.rows(names, selection.variants, selection.models)
    mask = board.cache[key]
    values, variant = board.values, selection.start_variant
    after = at(values[mask], selection.stages)
    before = (board.in_variant(variant) if variant else values)[mask]
    # With stages taken each by itself a start score belongs to as many pairs.
    start = np.broadcast_to(at(before, selection.start) if selection.start else after, after.shape)
    limit, floor = board.scale[mask][:, None], FLOORS[selection.floor]
    # Not a floor, but a strict comparison: "above 0" leaves 0 out, "every base" (-1) lets it in.
    enough = start / limit >= floor - EQUAL if floor > 0 else start > floor
    keep = enough & np.isfinite(after)
    columns, reduce = _KNOWN[selection.stages]
    stages = [selection.stages] if reduce else [IN_WORDS[column] for column in columns]
    by_row = (board.model, board.variant, board.benchmark, board.scale, board.group)
    rest = (np.repeat(v[mask], after.shape[1])[keep.ravel()] for v in by_row)
    return Pairs(start[keep], after[keep], np.tile(stages, len(after))[keep.ravel()], *rest)


def at(values: np.ndarray, stages: str) -> np.ndarray:
    """Return the scores [rows, n] that a rule of stages makes of values [rows, 4]."""
    columns, reduce = _KNOWN[stages]
    taken = values[:, list(columns)]
    return taken if reduce is None else reduce(taken, axis=1, keepdims=True)
