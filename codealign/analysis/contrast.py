"""The difference between two scores of one benchmark, with an interval and a test.

Per-problem values of both give a paired comparison over the problems that both scored; two scores
alone (published ones) give an unpaired one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from codealign.analysis import stats
from codealign.analysis.scores import benchmark, count_of

COLUMNS = [
    "n", "absolute", "low", "high", "relative", "relative_low", "relative_high", "interval",
    "p_value", "test", "assumption",
]  # fmt: skip


def contrast(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    before_values: Mapping[str, float],
    after_values: Mapping[str, float],
    seed: int,
) -> dict[str, Any]:
    """Return `after` minus `before` as a dict of `COLUMNS`.

    Parameters
    ----------
    before, after : score rows (`benchmark`, `value`, `n`) of the same benchmark.
    before_values, after_values : value of each problem, by its id; without a shared problem the
        comparison is unpaired.
    seed : of the paired bootstrap.

    Returns
    -------
    dict
        `absolute` with bounds in the metric's unit; `relative` with bounds in percent of `before`
        (NaN where that is 0); `n` problems compared.
    """
    shared = sorted(before_values.keys() & after_values.keys())
    if not shared:
        return _unpaired(before, after)
    pairs = [before_values[i] for i in shared], [after_values[i] for i in shared]
    return _paired(*pairs, seed, benchmark(after["benchmark"]).scale)


def _size(n: int, before: float, after: float) -> dict[str, float]:
    relative = 100 * (after - before) / before if before else math.nan
    return {"n": n, "absolute": after - before, "relative": relative}


def _paired(before: list[float], after: list[float], seed: int, scale: float) -> dict[str, Any]:
    low, high, method = stats.paired_bootstrap(before, after, seed, scale)
    test = stats.paired(before, after, seed)
    mean = sum(before) / len(before)
    relative = [100 * bound / mean if mean else math.nan for bound in (low, high)]
    size = _size(len(before), mean, sum(after) / len(after))
    return size | _uncertainty(low, high, relative, method, test)


def _unpaired(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    b = benchmark(after["benchmark"])
    counts = [_count(s["value"], int(s["n"]), b.metric, b.scale) for s in (before, after)]
    sizes = [int(before["n"]), int(after["n"])]
    args = (counts[0], sizes[0], counts[1], sizes[1])
    low, high, method = stats.difference(*args)
    bounds = stats.ratio(*args)
    relative = [100 * (bounds.low - 1), 100 * (bounds.high - 1)]
    bounded = "" if b.metric == "pass@1" else ", variance bound"
    test = stats.unpaired(*args)
    test = test._replace(name=test.name + bounded)
    size = _size(int(after["n"]), before["value"], after["value"])
    return size | _uncertainty(low * b.scale, high * b.scale, relative, method + bounded, test)


def _count(value: float, n: int, metric: str, scale: float) -> float:
    return count_of(value, n) if metric == "pass@1" else value / scale * n


def _uncertainty(
    low: float, high: float, relative: list[float], method: str, test: stats.Test
) -> dict[str, Any]:
    return {
        "low": low,
        "high": high,
        "relative_low": relative[0],
        "relative_high": relative[1],
        "interval": method,
        "p_value": test.p_value,
        "test": test.name,
        "assumption": test.assumption,
    }
