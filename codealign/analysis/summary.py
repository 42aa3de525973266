"""The summary table: pathway, requirement, stage, score, change against base, with intervals.

A requirement's score is the unweighted mean over its benchmarks, in percent of their scale:

functional
    mean pass@1 of HumanEval+, MBPP+ and the seven EvoEval categories (F1, F2, F4 of Table 1).
    HumanEval and MBPP without the added tests repeat the same problems, and EvalPerf (F3) is no
    pass rate; all three stand in Table 3.
non_functional
    mean rating of CODAL's five dimensions (section 3.5's CODAL score), ten points being 100 %.

Only benchmarks that both the stage and its base have enter, so that a change compares like with
like. Intervals are combined as of independent estimates (`stats.combine`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels, stats
from codealign.analysis.changes import Items, changes
from codealign.analysis.scores import benchmarks, percent_of_scale
from codealign.records import DIMENSIONS, PATHWAY, STAGES, write_text

MEMBERS = {
    "functional": [
        "humaneval_plus", "mbpp_plus", *(n for n in benchmarks() if n.startswith("evoeval_")),
    ],
    "non_functional": [f"codal_{dimension}" for dimension in DIMENSIONS],
}  # fmt: skip
Part = tuple[float, float, float]
"""An estimate and its bounds."""
CELL = ["source", "model", "variant", "requirement", "stage"]
HOW = (
    "Score: mean over benchmarks in percent of their scale (functional: pass@1 of HumanEval+, "
    "MBPP+ and EvoEval's categories; non-functional: CODAL's five dimensions, 10 points = 100). "
    "Change: against the base model, in points. Brackets: 95% intervals, benchmarks taken as "
    "independent."
)


def summarise(scores: pd.DataFrame, items: Items | None = None) -> pd.DataFrame:
    """Return one row for each source, model, variant, requirement and stage that has scores.

    Parameters
    ----------
    scores : tidy scores.
    items : per-problem values, for paired intervals of the changes.

    Returns
    -------
    DataFrame
        source, model, variant, pathway, requirement, stage; score with low and high (percent of
        scale); change with change_low and change_high (points; NaN for base, or where the base was
        not run); benchmarks (how many entered), of (how many the requirement has); n and missing
        (problems, summed).
    """
    wanted = scores["benchmark"].isin([n for names in MEMBERS.values() for n in names])
    scored = scores[wanted & scores["value"].notna()]
    change = changes(scored, items)
    rows = [
        _row(dict(zip(CELL, cell, strict=True)), part, _matching(change, cell))
        for cell, part in scored.groupby(CELL, sort=False)
    ]
    found = pd.DataFrame(rows, columns=COLUMNS)
    order = list(STAGES)
    key = lambda s: s.map(order.index) if s.name == "stage" else s  # noqa: E731
    by = ["source", "model", "requirement", "pathway", "stage"]
    ascending = [True, True, True, False, True]
    return found.sort_values(by, key=key, ascending=ascending, ignore_index=True)


COLUMNS = [
    "source", "model", "variant", "pathway", "requirement", "stage", "score", "low", "high",
    "change", "change_low", "change_high", "benchmarks", "of", "n", "missing",
]  # fmt: skip


def _matching(change: pd.DataFrame, cell: tuple[str, ...]) -> pd.DataFrame:
    mask = pd.Series(True, index=change.index)
    for column, value in zip(CELL, cell, strict=True):
        mask &= change[column] == value
    return change[mask]


def _row(cell: dict[str, str], part: pd.DataFrame, change: pd.DataFrame) -> dict[str, Any]:
    if cell["stage"] != "base" and len(change):
        part = part[part["benchmark"].isin(change["benchmark"])]
    score, low, high = mean_of(points(part, "value"))
    moved, moved_low, moved_high = mean_of(points(change, "absolute"))
    return cell | {
        "pathway": PATHWAY[cell["variant"]],
        "score": score,
        "low": low,
        "high": high,
        "change": moved,
        "change_low": moved_low,
        "change_high": moved_high,
        "benchmarks": len(part),
        "of": len(MEMBERS[cell["requirement"]]),
        "n": int(part["n"].sum()),
        "missing": int(part["missing"].sum()),
    }


def points(frame: pd.DataFrame, column: str) -> list[Part]:
    """Return (estimate, low, high) of each benchmark in percent of its scale."""
    columns = [percent_of_scale(frame, name) for name in (column, "low", "high")]
    return list(zip(*columns, strict=True))


def mean_of(parts: Sequence[Part]) -> Part:
    """Return the mean of independent estimates with its bounds (`stats.combine`); NaN of none."""
    low, high, _ = stats.combine(parts)
    mean = sum(part[0] for part in parts) / len(parts) if parts else math.nan
    return mean, low, high


def summary_lines(summary: pd.DataFrame) -> list[str]:
    """Return the table as aligned text, a line a row under a header; Markdown reads it as well."""
    head = ["model", "pathway", "requirement", "stage", "score", "change", "benchmarks", "n"]
    rows = [head, *(_cells(row) for row in summary.to_dict("records"))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    rows.insert(1, ["-" * width for width in widths])
    return ["| " + " | ".join(_pad(row, widths)) + " |" for row in rows]


def _pad(row: list[str], widths: list[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _cells(row: dict[str, Any]) -> list[str]:
    source = "" if row["source"] != "paper" else " (published)"
    unscored = f" (+{row['missing']} unscored)" if row["missing"] else ""
    return [
        row["model"] + source,
        row["pathway"],
        labels.REQUIREMENTS[row["requirement"]],
        labels.STAGES[row["stage"]],
        labels.with_interval(row["score"], row["low"], row["high"], "{:.1f}"),
        "" if row["stage"] == "base" else _change(row),
        f"{row['benchmarks']} of {row['of']}",
        f"{row['n']}{unscored}",
    ]


def _change(row: dict[str, Any]) -> str:
    if math.isnan(row["change"]):
        return "base not run"
    return labels.with_interval(row["change"], row["change_low"], row["change_high"], "{:+.1f}")


def summary_markdown(summary: pd.DataFrame) -> str:
    """Return the table and, below it, how its numbers are made."""
    return "\n".join([*summary_lines(summary), "", HOW]) + "\n"


def write_summary(
    out: Path | str, scores: pd.DataFrame, items: Items | None = None
) -> pd.DataFrame:
    """Write `summary.md` and `summary.csv` of the scores to `out`; return the summary."""
    summary = summarise(scores, items)
    write_text(Path(out) / "summary.md", summary_markdown(summary))
    write_text(Path(out) / "summary.csv", summary.to_csv(index=False))
    return summary
