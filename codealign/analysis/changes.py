"""Changes against the base model (paper, section 3.5), each with an interval and a test.

absolute = P_stage - P_base, in the metric's unit; relative = absolute / P_base x 100 %. Published
scores allow an unpaired test only; a run's own per-problem values give paired ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from codealign.analysis import stats
from codealign.analysis.contrast import contrast
from codealign.analysis.scores import CELL, files
from codealign.records import read_jsonl, seed_of

Items = Mapping[tuple[str, ...], Mapping[str, float]]
"""Per-problem values, {(model, variant, requirement, stage, benchmark): {problem id: value}}."""

RUN_COLUMNS = ["source", *CELL, "metric"]
COLUMNS = [
    *RUN_COLUMNS, "base", "value", "n", "absolute", "low", "high", "relative", "relative_low",
    "relative_high", "interval", "p_value", "test", "assumption", "p_holm", "p_bh",
]  # fmt: skip


def collect_items(run_root: Path | str) -> dict[tuple[str, ...], dict[str, float]]:
    """Read per-problem values of a run's main cells from every `items.jsonl` of its evaluations.

    With several seeds a problem's value is its mean over those that scored it. One line is
    {"model", "variant", "requirement", "stage", "benchmark", "id", "value"}; a null value is an
    unscored problem and is left out here (the score's `missing` counts it).
    """
    found: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for file in files(run_root, "items.jsonl", main=True):
        for line in read_jsonl(file, dict):
            if line["value"] is not None:
                cell = tuple(line[c] for c in CELL)
                found.setdefault(cell, {}).setdefault(line["id"], []).append(float(line["value"]))
    return {cell: {i: fmean(v) for i, v in items.items()} for cell, items in found.items()}


def changes(frame: pd.DataFrame, items: Items | None = None) -> pd.DataFrame:
    """Return the change of every aligned cell against its base cell.

    Parameters
    ----------
    frame : tidy scores. A cell whose base was not run, or without a value, has no row here.
    items : per-problem values; cells found there (stage and base) are compared problem by problem:
        their change, interval and n are over the problems that both stages scored.

    Returns
    -------
    DataFrame
        `COLUMNS`: `absolute` with bounds `low`, `high` in the metric's unit; `relative` with bounds
        in percent (NaN when the base score is 0); `p_value` with its `test` and `assumption`;
        `p_holm` and `p_bh` corrected over all rows of the same source and requirement.
    """
    scored = frame[frame["value"].notna() & (frame["n"] > 0)]
    keys = ["source", *(c for c in CELL if c != "stage")]
    base = scored[scored["stage"] == "base"].set_index(keys)
    rows = []
    for row in scored[scored["stage"] != "base"].to_dict("records"):
        key = tuple(row[k] for k in keys)
        if key in base.index:
            rows.append(_change(row, base.loc[key].to_dict(), items or {}))
    found = pd.DataFrame(rows, columns=COLUMNS)
    for name, method in (("p_holm", "holm"), ("p_bh", "fdr_bh")):
        grouped = found.groupby(["source", "requirement"])["p_value"]
        found[name] = grouped.transform(lambda p, m=method: stats.adjust(p, m)).astype(float)
    return found


def _change(row: dict[str, Any], base: dict[str, Any], items: Items) -> dict[str, Any]:
    out = {c: row[c] for c in RUN_COLUMNS} | {"base": base["value"], "value": row["value"]}
    cell = tuple(row[c] for c in CELL)
    before, after = items.get(_base_cell(cell), {}), items.get(cell, {})
    return out | contrast(base, row, before, after, seed_of("change", *cell))


def _base_cell(cell: tuple[str, ...]) -> tuple[str, ...]:
    at = CELL.index("stage")
    return (*cell[:at], "base", *cell[at + 1 :])


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


def _verdict(row: dict[str, Any]) -> str:
    if pd.isna(row["published"]):
        return "not in the paper"
    if pd.isna(row["measured"]):
        return "not run"
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return "no interval"
    inside = row["low"] <= row["published"] <= row["high"]
    return "reproduced" if inside else "not reproduced"
