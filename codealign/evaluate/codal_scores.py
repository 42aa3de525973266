"""CODAL scores by the paper's formulas, with and without counting unrated answers as 0.

S_p is the mean rating of dimension p, the CODAL score the mean of the five S_p (paper, section
3.5). An answer without a rating is left out of the mean and counted as missing. CODAL-Bench's
published script counts it as 0 instead; that number is given beside, under its own metric name. A
score below 1 on the scale of 1 to 10 can only come from the latter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from codealign.cell import Cell
from codealign.records import DIMENSIONS, Rating, Score

RATED = "rating"
ZERO = "rating_unrated_0"
RATE = "rated_share"
LOWEST = 1.0
"""The lowest rating: no mean of ratings lies below it."""


@dataclass(frozen=True)
class Mean:
    """A mean of `n` ratings, with `missing` unrated ones outside it and its standard error.

    With n = 0 the value, and with n < 2 the standard error, is NaN. The error is never 0.
    """

    value: float
    error: float
    n: int
    missing: int


def mean_rated(ratings: Sequence[Rating]) -> Mean:
    """Return the mean of the answers that have a rating."""
    values = [r.rating for r in ratings if r.rating is not None]
    return _mean(values, len(ratings) - len(values))


def mean_zero(ratings: Sequence[Rating]) -> Mean:
    """Return the mean with every unrated answer counted as 0."""
    return _mean([r.rating or 0.0 for r in ratings], 0)


def _mean(values: Sequence[float], missing: int) -> Mean:
    n = len(values)
    value = fmean(values) if values else math.nan
    # Equal ratings are no certainty: the error is at least that of two made-up ratings among them,
    # one a point higher and one a point lower (compare `analysis.stats.paired_mean`).
    least = math.sqrt(2) / (n + 2)
    error = max(stdev(values) / math.sqrt(n), least) if n > 1 else math.nan
    return Mean(value, error, n, missing)


def overall(dimensions: Sequence[Mean]) -> Mean:
    """Return the mean of the dimensions' means, each with equal weight.

    Its standard error takes the dimensions as independent samples.
    """
    return Mean(
        value=fmean(m.value for m in dimensions) if dimensions else math.nan,
        error=math.sqrt(sum(m.error**2 for m in dimensions)) / max(len(dimensions), 1),
        n=sum(m.n for m in dimensions),
        missing=sum(m.missing for m in dimensions),
    )


def interval(mean: Mean, lowest: float = 0.0) -> tuple[float | None, float | None, str]:
    """Return the bounds of Student's 95 % interval on the scale `lowest` to 10, and its name."""
    from scipy.stats import t

    if math.isnan(mean.error):
        return None, None, "undefined: fewer than two ratings"
    half = float(t.ppf(0.975, mean.n - 1)) * mean.error
    return max(mean.value - half, lowest), min(mean.value + half, 10.0), "Student t, 95 %"


def scores(ratings: Iterable[Rating], source: str, cell: Cell) -> list[Score]:
    """Return a cell's tidy rows: for each dimension present, and over the paper's five (`codal`).

    Metrics: `rating` (mean of rated answers), `rating_unrated_0` (unrated counted as 0) and
    `rated_share` (rated answers, 0 to 1, with Wilson's interval).
    """
    ratings = list(ratings)
    present = _by_dimension(ratings)
    papers = [r for r in ratings if r.dimension in DIMENSIONS]
    rows = []
    for metric, mean in ((RATED, mean_rated), (ZERO, mean_zero)):
        means = {f"codal_{d}": mean(group) for d, group in present.items()}
        means["codal"] = overall([means[f"codal_{d}"] for d in present if d in DIMENSIONS])
        rows += [_row(source, cell.at(benchmark=b), metric, m) for b, m in means.items()]
    for name, group in {**{f"codal_{d}": g for d, g in present.items()}, "codal": papers}.items():
        rows.append(_share(source, cell.at(benchmark=name), group))
    return rows


def _by_dimension(ratings: Sequence[Rating]) -> dict[str, list[Rating]]:
    """Return the ratings of each dimension present, the paper's five first."""
    own = dict.fromkeys(r.dimension for r in ratings if r.dimension not in DIMENSIONS)
    groups = {d: [r for r in ratings if r.dimension == d] for d in (*DIMENSIONS, *own)}
    return {d: group for d, group in groups.items() if group}


def _row(source: str, cell: Cell, metric: str, mean: Mean) -> Score:
    low, high, how = interval(mean, LOWEST if metric == RATED else 0.0)
    return Score(source, **cell.columns(), metric=metric, value=mean.value, n=mean.n,
                 missing=mean.missing, low=low, high=high, interval=how)  # fmt: skip


def _share(source: str, cell: Cell, group: Sequence[Rating]) -> Score:
    from statsmodels.stats.proportion import proportion_confint

    rated, n = sum(r.rating is not None for r in group), len(group)
    low, high = map(float, proportion_confint(rated, n, method="wilson"))
    return Score(source, **cell.columns(), metric=RATE, value=rated / n, n=n, low=low, high=high,
                 interval="Wilson, 95 %")  # fmt: skip


def side_by_side(rows: Iterable[Score]) -> pd.DataFrame:
    """Return the two readings of each score beside the rate of rated answers.

    Index: benchmark. Columns, each followed by the bounds of its 95 % interval (`_low`, `_high`):
    `rated_mean` (mean of the rated answers, 1 to 10), `zero_mean` (unrated counted as 0) and
    `rated_percent`; then `answers`, all of them.
    """
    names = {RATED: "rated_mean", ZERO: "zero_mean", RATE: "rated_percent"}
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        name, scale = names[row.metric], 100 if row.metric == RATE else 1
        bounds = {name: row.value, f"{name}_low": row.low, f"{name}_high": row.high}
        cells = {k: math.nan if v is None else scale * v for k, v in bounds.items()}
        table.setdefault(row.benchmark, {}).update(cells)
        if row.metric == RATE:
            table[row.benchmark]["answers"] = row.n
    return pd.DataFrame.from_dict(table, orient="index")


def values(ratings: Iterable[Rating]) -> dict[str, dict[str, float | None]]:
    """Return the rating of each answer (None if unrated), by benchmark and id.

    The benchmarks are the dimensions present and `codal`, which has the answers of the paper's
    five.
    """
    groups = _by_dimension(list(ratings))
    by_benchmark = {f"codal_{d}": {r.id: r.rating for r in group} for d, group in groups.items()}
    papers = [r for d, group in groups.items() if d in DIMENSIONS for r in group]
    return {**by_benchmark, "codal": {r.id: r.rating for r in papers}}


def unrated_reasons(ratings: Iterable[Rating]) -> dict[str, int]:
    """Return how many answers are unrated for each reason, the most frequent first."""
    return dict(Counter(r.reason for r in ratings if r.rating is None).most_common())
