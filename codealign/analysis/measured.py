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
from codealign.records import Score, seed_of, write_jsonl

Values = Mapping[str, float | None]


def score_of(cell: Mapping[str, str], name: str, values: Values) -> Score:
    """Return one score row.

    Parameters
    ----------
    cell : source, model, variant, requirement and stage.
    name : benchmark, as in `data/benchmarks.yaml`; its metric decides the interval.
    values : value of each problem: for pass@1 the share of passing samples (0 to 1), for dps 0 to
        100, for ratings 1 to 10; None where the problem could not be scored. The score is the mean
        of what was scored; the rest is `missing`.
    """
    b = benchmark(name)
    scored = [v for v in values.values() if v is not None]
    n, missing = len(scored), len(values) - len(scored)
    if not n:
        return Score(**cell, benchmark=name, metric=b.metric, value=math.nan, n=0, missing=missing)
    if b.metric == "pass@1" and set(scored) <= {0.0, 1.0}:
        low, high, method = stats.wilson(sum(scored), n)
    else:
        seed = seed_of("score", name, *cell.values())
        low, high, method = stats.bootstrap_mean(scored, seed, b.scale)
    mean = sum(scored) / n
    return Score(
        **cell, benchmark=name, metric=b.metric, value=mean, n=n, missing=missing,
        low=low, high=high, interval=method,
    )  # fmt: skip


def write_measured(
    folder: Path,
    cell: Mapping[str, str],
    values: Mapping[str, Values],
    scores: Sequence[Score] | None = None,
    place: Mapping[str, Any] | None = None,
    failures: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Write `scores.jsonl` and `items.jsonl` of one evaluated model; return its scores.

    Parameters
    ----------
    folder : the model's eval folder.
    cell : source, model, variant, requirement and stage.
    values : for each benchmark the value of each problem, as in `score_of`.
    scores : the rows, where a benchmark has a formula of its own; None: `score_of` of each.
    place : seed, trained and ablation of the scores (`Context.place`); None: the defaults.
    failures : for each benchmark the failing samples by kind, as text; None: not told.
    """
    kinds = failures or {}
    scores = scores or [score_of(cell, name, of_problem) for name, of_problem in values.items()]
    scores = [
        dataclasses.replace(score, failures=kinds.get(score.benchmark, ""), **(place or {}))
        for score in scores
    ]
    where = {key: cell[key] for key in EVALUATED}
    items = [
        {**where, "benchmark": name, "id": key, "value": value}
        for name, of_problem in values.items()
        for key, value in of_problem.items()
    ]
    write_jsonl(folder / "items.jsonl", items)
    write_jsonl(folder / "scores.jsonl", scores)
    return frame_of(scores)
