"""The summary table: pathway, requirement, stage, score, change against base, with intervals.

A requirement's score is the unweighted mean over its benchmarks (`cells.MEMBERS`), in percent of
their scale:

functional
    mean pass@1 of HumanEval+, MBPP+ and the seven EvoEval categories (F1, F2, F4 of Table 1).
non_functional
    mean rating of CODAL's five dimensions (section 3.5's CODAL score), ten points being 100 %.

Only benchmarks that both the stage and its base have enter, so that a change compares like with
like.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.cells import MEMBERS, Cells, Problems, cells_of, weights_in_words
from codealign.analysis.contrasts import CHANGE
from codealign.analysis.effects import Effect
from codealign.analysis.questions import of
from codealign.analysis.scores import CELL, main_cells
from codealign.cell import Cell
from codealign.markdown import pipe_table
from codealign.records import PATHWAY, REQUIREMENTS, STAGES, VARIANTS, write_text

COLUMNS = [
    "source", "model", "variant", "pathway", "requirement", "stage", "score", "low", "high",
    "change", "change_low", "change_high", "benchmarks", "of", "n", "missing", "seeds",
]  # fmt: skip
HOW = (
    "Score: mean over benchmarks in percent of their scale (functional: pass@1 of HumanEval+, "
    f"MBPP+ and EvoEval's categories, that is {weights_in_words('functional')}; non-functional: "
    "CODAL's five dimensions, 10 points = 100). Change: against the base model, in points. "
    "Brackets: 95% intervals. "
)
HOLDS = {
    True: "They hold the choice of problems alone: another training may differ by more.",
    False: "They hold the choice of problems and the spread over seeds.",
}
"""What intervals hold, by whether there is one training run alone."""


def summarise(scores: pd.DataFrame, items: Problems | None = None) -> pd.DataFrame:
    """Return one row for each source, model, variant, requirement and stage that has scores.

    Parameters
    ----------
    scores : tidy scores, a row for each seed (`scores.collect_all`).
    items : per-problem values, for intervals over problems.

    Returns
    -------
    DataFrame
        source, model, variant, pathway, requirement, stage; score with low and high (percent of
        scale); change with change_low and change_high (points; NaN for base, or where the base was
        not run); benchmarks (how many entered), of (how many the requirement has); n and missing
        (problems, summed); seeds (0 for a base).
    """
    rows = []
    for source, of_source in scores.groupby("source"):
        cells = cells_of(of_source, items)
        missing = main_cells(of_source).groupby(CELL)["missing"].mean()
        counted = {Cell(*place): count for place, count in missing.items()}
        for model in sorted(cells.models):
            rows += [{"source": source, **row} for row in _rows(cells, model, counted)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(cells: Cells, model: str, missing: dict[Cell, float]) -> list[dict[str, Any]]:
    places = [(r, v, s) for r in REQUIREMENTS for v in VARIANTS for s in STAGES]
    rows = []
    for requirement, variant, stage in places:
        place = Cell(model, variant, requirement, stage)
        names = [n for n in MEMBERS[requirement] if place.at(benchmark=n) in cells.index]
        based = [n for n in names if place.at(benchmark=n, stage="base") in cells.index]
        names = based or names  # a change compares like with like
        if not names:
            continue
        score = of(cells, place, names=names)
        change = Effect() if stage == "base" else of(cells, place, CHANGE, names=names)
        lost = (missing.get(place.at(benchmark=name), 0) for name in names)
        rows.append({
            "model": model, "variant": variant, "pathway": PATHWAY[variant],
            "requirement": requirement, "stage": stage,
            "score": score.value, "low": score.low, "high": score.high, "change": change.value,
            "change_low": change.low, "change_high": change.high, "benchmarks": len(names),
            "of": len(MEMBERS[requirement]), "n": score.n, "missing": round(sum(lost)),
            "seeds": score.seeds,
        })  # fmt: skip
    return rows


def summary_lines(summary: pd.DataFrame) -> list[str]:
    """Return the table as aligned text, one line per row under a header, which is Markdown, too."""
    head = ["model", "pathway", "requirement", "stage", "score", "change", "benchmarks", "n"]
    rows = [head, *(_cells(row) for row in summary.to_dict("records"))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *rows = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in rows]
    return pipe_table(head, rows, [f" {'-' * width} " for width in widths]).splitlines()


def _cells(row: dict[str, Any]) -> list[str]:
    source = "" if row["source"] != "paper" else " (published)"
    unscored = f" (+{row['missing']} unscored)" if row["missing"] else ""
    change = "" if row["stage"] == "base" else "base not run"
    if not math.isnan(row["change"]):
        ends = row["change_low"], row["change_high"]
        change = labels.with_interval(row["change"], *ends, "{:+.1f}")
    return [
        row["model"] + source,
        row["pathway"],
        labels.REQUIREMENTS[row["requirement"]],
        labels.STAGES[row["stage"]],
        labels.with_interval(row["score"], row["low"], row["high"], "{:.1f}"),
        change,
        f"{row['benchmarks']} of {row['of']}",
        f"{row['n']}{unscored}",
    ]


def summary_markdown(summary: pd.DataFrame) -> str:
    """Return the table and, below it, how its numbers are made."""
    return "\n".join([*summary_lines(summary), "", HOW + held(summary)]) + "\n"


def held(rows: pd.DataFrame) -> str:
    """Return what the intervals of these rows (column `seeds`) hold."""
    return HOLDS[bool((rows["seeds"] == 1).any())] if rows["seeds"].any() else ""


def write_summary(
    out: Path | str, scores: pd.DataFrame, items: Problems | None = None
) -> pd.DataFrame:
    """Write `summary.md` and `summary.csv` of the scores to `out`; return the summary."""
    summary = summarise(scores, items)
    write_text(Path(out) / "summary.md", summary_markdown(summary))
    write_text(Path(out) / "summary.csv", summary.to_csv(index=False))
    return summary
