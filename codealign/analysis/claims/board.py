"""Scores as arrays: one row a model, variant and benchmark, one column a stage."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from codealign.analysis.scores import Benchmark, benchmark, benchmarks
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
CODE_MODELS = tuple(m for m in MODELS.values() if not m.startswith("Meta"))


@dataclass(frozen=True)
class Board:
    """Arrays of one source's scores; all have one entry a row of (model, variant, benchmark).

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
        self,
        names: tuple[str, ...],
        variants: tuple[str, ...],
        models: tuple[str, ...] = (),
    ) -> np.ndarray:
        """Return a mask of the rows of these benchmarks, variants and models (() is all)."""
        mask = np.isin(self.benchmark, names) & np.isin(self.variant, variants)
        return mask & np.isin(self.model, models) if models else mask

    def value(self, cell: Cell) -> float:
        """Return one score; NaN when it was not run."""
        mask = self.rows((cell.benchmark,), (cell.variant,), (cell.model,))
        return float(self.values[mask, STAGES.index(cell.stage)][0]) if mask.any() else np.nan


@dataclass(frozen=True)
class Cell:
    """One score's address."""

    model: str
    variant: str
    benchmark: str
    stage: str

    @property
    def about(self) -> Benchmark:
        """The benchmark's facts: number of problems, scale, printed digits."""
        return benchmark(self.benchmark)

    def words(self) -> str:
        """The address in words."""
        return f"{self.model} {self.variant}, {self.about.label}, {LABELS[self.stage]}"


def cell(text: str) -> Cell:
    """Read a cell from "llama pre humaneval dpo" (short model, short variant, benchmark, stage)."""
    model, variant, name, stage = text.split()
    if model not in MODELS or variant not in VARIANT or stage not in STAGES:
        raise CodealignError(f"claims: cell {text!r}: need model, pre or fine, benchmark, stage")
    benchmark(name)
    return Cell(MODELS[model], VARIANT[variant], name, stage)


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
