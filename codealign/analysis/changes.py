"""Changes against the base model (paper, section 3.5), each with an interval and a test.

absolute = P_stage - P_base, in the metric's unit; relative = absolute / P_base x 100 %. A run's are
effects (`analysis.effects`). Published scores, whose problems are not known, allow an unpaired
comparison only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from codealign.analysis import stats
from codealign.analysis.cells import Cells, Problems, cells_of, read_problems
from codealign.analysis.contrasts import CHANGE, RELATIVE
from codealign.analysis.questions import of
from codealign.analysis.scores import CELL, benchmark, count_of
from codealign.cell import Cell

RUN_COLUMNS = ["source", *CELL, "metric"]
COLUMNS = [
    *RUN_COLUMNS, "base", "value", "n", "seeds", "absolute", "low", "high", "relative",
    "relative_low", "relative_high", "interval", "p_value", "test", "assumption", "p_holm", "p_bh",
]  # fmt: skip
OVER = {
    False: ("jackknife over problems", "the same problems were scored at both stages"),
    True: ("t over seeds and jackknife over problems", "seeds are independent trainings; the same "
           "problems were scored at both stages"),
}  # fmt: skip


def collect_items(run_root: Path | str) -> dict[Cell, dict[str, float]]:
    """Read per-problem values of a run's main cells, by cell.

    With several seeds a problem's value is its mean over those that scored it
    (`cells.read_problems` has them by seed). A null value is an unscored problem and is left out
    (the score's `missing` counts it).
    """
    by_cell: dict[Cell, dict[str, list[float]]] = {}
    for cell, values in read_problems(run_root).items():
        if cell.main:
            by_problem = by_cell.setdefault(cell.at(seed=None), {})
            for key, value in values.items():
                by_problem.setdefault(key, []).append(value)
    return {cell: {i: fmean(v) for i, v in items.items()} for cell, items in by_cell.items()}


def changes(frame: pd.DataFrame, items: Problems | None = None) -> pd.DataFrame:
    """Return the change of every trained main cell against its base cell.

    Parameters
    ----------
    frame : tidy scores, a row for each seed. A cell whose base was not run, or without a value, has
        no row here.
    items : per-problem values; cells found there are compared problem by problem.

    Returns
    -------
    DataFrame
        `COLUMNS`: `absolute` with bounds `low`, `high` in the metric's unit; `relative` with bounds
        in percent (NaN when the base score is 0); `p_value` with its `test` and `assumption`;
        `p_holm` and `p_bh` corrected over all rows of the same source and requirement.
    """
    rows: list[dict[str, Any]] = []
    for source, of_source in frame.groupby("source", sort=False):
        cells = cells_of(of_source, items)
        for cell, at in cells.index.items():
            base = cells.index.get(cell.at(stage="base"))
            if cell.main and cell.stage != "base" and base is not None:
                place = {"source": source, **cell.columns(CELL)}
                rows.append(place | _change(cells, cell, at, base))
    changed = pd.DataFrame(rows, columns=COLUMNS)
    for name, method in (("p_holm", "holm"), ("p_bh", "fdr_bh")):
        grouped = changed.groupby(["source", "requirement"])["p_value"]
        changed[name] = grouped.transform(lambda p, m=method: stats.adjust(p, m)).astype(float)
    return changed


def _change(cells: Cells, cell: Cell, at: int, base: int) -> dict[str, Any]:
    b = benchmark(cell.benchmark)
    unit = b.scale / 100
    mean = [float(pd.Series(cells.values[row]).mean()) * unit for row in (base, at)]
    known = len(cells.seeds) > 1 or cells.answers[at] is not None
    numbers = _effects(cells, cell, unit) if known else _unpaired(cells, cell, mean, (base, at))
    return {"metric": b.metric, "base": mean[0], "value": mean[1], **numbers}


def _effects(cells: Cells, cell: Cell, unit: float) -> dict[str, Any]:
    moved, relative = (of(cells, cell, measure) for measure in (CHANGE, RELATIVE))
    interval, assumption = OVER[moved.seeds > 1]
    return {
        "n": moved.n, "seeds": moved.seeds, "absolute": moved.value * unit,
        "low": moved.low * unit, "high": moved.high * unit, "relative": relative.value,
        "relative_low": relative.low, "relative_high": relative.high, "interval": interval,
        "p_value": moved.p, "test": "level at which the interval reaches 0",
        "assumption": assumption,
    }  # fmt: skip


def _unpaired(cells: Cells, cell: Cell, mean: list[float], rows: tuple[int, int]) -> dict[str, Any]:
    """Compare two scores as of independent problems: Newcombe, log ratio, score test."""
    b = benchmark(cell.benchmark)
    sizes = [int(cells.n[row]) for row in rows]
    counts = [
        count_of(v, n) if b.metric == "pass@1" else v / b.scale * n
        for v, n in zip(mean, sizes, strict=True)
    ]
    args = (counts[0], sizes[0], counts[1], sizes[1])
    low, high, method = stats.difference(*args)
    bounds, test = stats.ratio(*args), stats.unpaired(*args)
    bounded = "" if b.metric == "pass@1" else ", variance bound"
    relative = 100 * (mean[1] / mean[0] - 1) if mean[0] else math.nan
    return {
        "n": sizes[1], "seeds": 1, "absolute": mean[1] - mean[0],
        "low": low * b.scale, "high": high * b.scale, "relative": relative,
        "relative_low": 100 * (bounds.low - 1), "relative_high": 100 * (bounds.high - 1),
        "interval": method + bounded, "p_value": test.p_value, "test": test.name + bounded,
        "assumption": test.assumption,
    }  # fmt: skip


def compare(measured: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Lay measured scores beside the printed ones, cell by cell.

    Returns
    -------
    DataFrame
        `CELL`, `published`, `measured`, `low`, `high`, `n`, and `verdict`: "not run" (the paper has
        the cell, the run does not), "reproduced" (the printed value lies within the measured
        interval), "not reproduced" (it does not), "no interval", "not in the paper".
    """
    cell = [*CELL, "trained"]
    left = paper[[*cell, "value"]].rename(columns={"value": "published"})
    right = measured[[*cell, "value", "low", "high", "n"]].rename(columns={"value": "measured"})
    both = left.merge(right, on=cell, how="outer").drop(columns="trained")
    both["verdict"] = [_verdict(row) for row in both.to_dict("records")]
    return both


def _verdict(row: Mapping[str, Any]) -> str:
    if pd.isna(row["published"]):
        return "not in the paper"
    if pd.isna(row["measured"]):
        return "not run"
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return "no interval"
    inside = row["low"] <= row["published"] <= row["high"]
    return "reproduced" if inside else "not reproduced"
