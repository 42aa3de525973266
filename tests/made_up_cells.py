"""Cells made by hand: values of each seed and problem, so that every effect is known."""

from __future__ import annotations

import pandas as pd

from codealign.analysis.cells import Cells, cells_of
from codealign.analysis.scores import benchmark, frame_of
from codealign.cell import Cell
from codealign.records import Score

Values = dict[Cell, dict[str, float]]
"""Problems' values of each cell, in the metric's unit; trained cells have a seed."""


def solved(right: int, of: int) -> dict[str, float]:
    """Return verdicts of problems, the first ones solved."""
    return {f"p{i}": float(i < right) for i in range(of)}


def cell(
    stage: str = "base", variant: str = "pretrained", name: str = "mbpp_plus", seed: int = 0, **more
) -> Cell:
    """Return a cell of the model `m`."""
    requirement = benchmark(name).requirement
    return Cell("m", variant, requirement, stage, name, None if stage == "base" else seed, **more)


def frame(values: Values, source: str = "mine") -> pd.DataFrame:
    """Return the scores that such problems have."""
    scores = [
        Score(
            source, c.model, c.variant, c.requirement, c.stage, c.benchmark,
            benchmark(c.benchmark).metric, sum(v.values()) / len(v), len(v), seed=c.seed or 0,
            trained=c.trained, ablation=c.ablation,
        )
        for c, v in values.items()
    ]  # fmt: skip
    return frame_of(scores)


def cells(values: Values) -> Cells:
    """Return the cells as the engine takes them."""
    return cells_of(frame(values), values)
