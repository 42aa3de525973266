"""A small made-up run, for tables, figures and the commands that read a run."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import pandas as pd

from codealign.analysis.context import RunMaterial
from codealign.analysis.measured import write_measured
from codealign.analysis.scores import benchmarks, frame_of
from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import REQUIREMENTS, STAGES, VARIANTS, Score


def measured(source: str = "mine", model: str = "nano", value: float = 0.4) -> pd.DataFrame:
    """Return every cell of one model: base at `value` of the scale, each stage 5 points better."""
    rows = []
    for variant in VARIANTS:
        for at, stage in enumerate(STAGES):
            for b in benchmarks().values():
                mean = (value + 0.05 * at) * b.scale
                rows.append(
                    Score(source, model, variant, b.requirement, stage, b.name, b.metric, mean, 20,
                          0, mean - 0.1 * b.scale, mean + 0.1 * b.scale, "Wilson")
                )  # fmt: skip
    return frame_of(rows)


def unscored(frame: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Return the frame with nothing scored on one benchmark."""
    found = frame.copy()
    rows = found["benchmark"] == benchmark
    found.loc[rows, ["value", "low", "high"]] = math.nan
    found.loc[rows, ["n", "missing"]] = [0, 20]
    return found


CONTEXT = RunMaterial(
    counts={("nano", "functional"): {"seeds": 1300, "responses": 2600, "pairs": 204}}
)


def write_run(root: Path, gain: float) -> None:
    """Write the scores of a run of nano: ten problems per benchmark, `gain` better after DPO.

    Each stage solves every other problem (rates every answer 5); DPO solves `gain` x 10 more.
    """
    for variant, stage, requirement in product(VARIANTS, STAGES, REQUIREMENTS):
        more = gain if stage == "dpo" else 0.0
        values = {
            b.name: {f"p{i}": _value(i, more, b.metric, b.scale) for i in range(10)}
            for b in benchmarks().values()
            if b.requirement == requirement
        }
        cell = Cell("nano", variant, requirement, stage, seed=0)
        folder = RunPaths(root).evals(cell)
        folder.mkdir(parents=True)
        write_measured(folder, root.name, cell, values)


def _value(i: int, more: float, metric: str, scale: float) -> float:
    """Return a problem's value: 0 or 1, or a number on the metric's scale."""
    if metric == "pass@1":
        return float(i % 2 == 0 or i < 10 * more)
    return scale / 2 + more * scale * (i % 3) / 10
