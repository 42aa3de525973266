"""Per-problem values of an evaluated model turned into score rows, beside its samples."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import stats
from codealign.analysis.scores import EVALUATED, benchmark, frame_of
from codealign.cell import Cell
from codealign.records import Score, seed_of, write_jsonl

Values = Mapping[str, float | None]


def score_of(source: str, cell: Cell, values: Values) -> Score:
    """Return one score row.

    Parameters
    ----------
    source : name of the run, as in `Score`.
    cell : with its benchmark, as in `data/benchmarks.yaml`, whose metric decides the interval.
    values : value of each problem: for pass@1 the share of passing samples (0 to 1), for dps 0 to
        100, for ratings 1 to 10; None where the problem could not be scored. The score is the mean
        of what was scored; the rest is `missing`.
    """
    b, row = benchmark(cell.benchmark), {"source": source, **cell.columns()}
    scored = [v for v in values.values() if v is not None]
    n, missing = len(scored), len(values) - len(scored)
    if not n:
        return Score(**row, metric=b.metric, value=math.nan, n=0, missing=missing)
    if b.metric == "pass@1" and set(scored) <= {0.0, 1.0}:
        low, high, method = stats.wilson(sum(scored), n)
    else:
        place = (cell.model, cell.variant, cell.requirement, cell.stage)
        seed = seed_of("score", cell.benchmark, source, *place)
        low, high, method = stats.bootstrap_mean(scored, seed, b.scale)
    mean = sum(scored) / n
    return Score(
        **row, metric=b.metric, value=mean, n=n, missing=missing, low=low, high=high,
        interval=method,
    )  # fmt: skip


def write_measured(
    folder: Path,
    source: str,
    cell: Cell,
    values: Mapping[str, Values],
    scores: Sequence[Score] | None = None,
    failures: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Write `scores.jsonl` and `items.jsonl` of one evaluated model; return its scores.

    Parameters
    ----------
    folder : the model's eval folder.
    source : name of the run, as in `Score`.
    cell : the model, its seed included.
    values : for each benchmark the value of each problem, as in `score_of`.
    scores : the rows, where a benchmark has a formula of its own; None: `score_of` of each.
    failures : for each benchmark the failing samples by kind, as text; None: not known.
    """
    kinds = failures or {}
    scores = scores or [score_of(source, cell.at(benchmark=b), of) for b, of in values.items()]
    scores = [dataclasses.replace(s, failures=kinds.get(s.benchmark, "")) for s in scores]
    write_jsonl(folder / "items.jsonl", item_rows(cell, values))
    write_jsonl(folder / "scores.jsonl", scores)
    return frame_of(scores)


def item_rows(cell: Cell, values: Mapping[str, Values]) -> list[dict[str, Any]]:
    """Return the rows of `items.jsonl`: each problem's value on each benchmark."""
    where = cell.columns(EVALUATED)
    return [
        {**where, "benchmark": name, "id": key, "value": value}
        for name, of_problem in values.items()
        for key, value in of_problem.items()
    ]
