"""How far a number rests on which problems were asked: a delete-a-group jackknife over problems.

All seeds answer the same problems, so that the spread over seeds says nothing of their choice. The
problems are put into groups by a hash of their ids (a problem that stands in two benchmarks is in
one group); leaving out one group at a time gives the error of any number made from the scores
(Wolter 2007, Introduction to Variance Estimation, chapter 4). A problem's value is its mean over
the seeds.
"""

from __future__ import annotations

import math
from statistics import fmean

import pandas as pd

from codealign.analysis.changes import Items
from codealign.analysis.scores import CELL, benchmark
from codealign.analysis.study.contrasts import Contrast
from codealign.records import seed_of

GROUPS = 20
"""More groups, smoother errors and more time; 20 give the error 19 degrees of freedom."""


def left_out(items: Items, model: str) -> list[pd.DataFrame]:
    """Return a model's scores without each group of problems in turn, as `Study.parts` has them."""
    mine = {
        cell: [(seed_of("group", key) % GROUPS, value) for key, value in found.items()]
        for cell, found in items.items()
        if cell[CELL.index("model")] == model
    }
    return [_parts(_means(mine, group)) for group in range(GROUPS)]


def _means(
    values: dict[tuple[str, ...], list[tuple[int, float]]], without: int
) -> dict[tuple[str, ...], float]:
    """Return each cell's mean, in percent of its scale, over the problems of the other groups."""
    kept = {cell: [v for g, v in found if g != without] for cell, found in values.items()}
    return {c: 100 * fmean(v) / benchmark(c[-1]).scale for c, v in kept.items() if v}


def _parts(means: dict[tuple[str, ...], float]) -> pd.DataFrame:
    at = CELL.index("stage")
    rows = []
    for cell, value in means.items():
        base = means.get((*cell[:at], "base", *cell[at + 1 :]))
        if cell[at] != "base" and base is not None:
            change = value - base
            relative = 100 * change / base if base else math.nan
            rows.append([*cell, value, base, change, relative, 0])
    columns = [*CELL, "value", "base", "change", "relative", "seed"]
    return pd.DataFrame(rows, columns=columns)


def problem_error(rule: Contrast, without: list[pd.DataFrame]) -> float:
    """Return the standard error of a contrast's number from the choice of problems.

    Parameters
    ----------
    without : what `left_out` returns. NaN if fewer than two of the frames give a number.
    """
    numbers = [number for parts in without for number in rule(parts).values()]
    if len(numbers) < 2:
        return math.nan
    centre = fmean(numbers)
    share = (len(numbers) - 1) / len(numbers)
    return math.sqrt(share * sum((number - centre) ** 2 for number in numbers))
