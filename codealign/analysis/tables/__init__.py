"""Tables 1 to 7 from data, as Markdown, CSV and LaTeX (booktabs)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from codealign.analysis.context import RunMaterial
from codealign.analysis.scores import PAPER, published
from codealign.analysis.tables.model import Table, to_csv, to_latex, to_markdown
from codealign.analysis.tables.paper import (
    agreement_table,
    dataset_statistics,
    dataset_table,
    interval_table,
    recommendation_table,
    score_table,
    survey_table,
    task_table,
)
from codealign.analysis.tables.study import findings_table, study_markdown, study_tables
from codealign.records import write_text

__all__ = [
    "build_tables", "dataset_statistics", "findings_table", "save_tables", "study_markdown",
    "study_tables", "write_tables",
]  # fmt: skip
FORMATS = {"md": to_markdown, "csv": to_csv, "tex": to_latex}


def build_tables(scores: pd.DataFrame, context: RunMaterial | None = None) -> list[Table]:
    """Return Tables 1 to 7, the interval tables of 3 to 5, and judge agreement.

    Parameters
    ----------
    scores : tidy scores. Rows of a run are set below the printed ones, named as measured; rows of
        the paper are always shown as printed, whether they are in `scores` or not.
    context : the run's data counts and survey shares, if there are any.
    """
    context = context or RunMaterial()
    measured = scores[scores["source"] != PAPER]
    printed = published()
    parts = [(score_table(t, printed, measured), interval_table(t, printed, measured))
             for t in (3, 4, 5)]  # fmt: skip
    flat = [table for pair in parts for table in pair]
    return [
        task_table(), dataset_table(context), *flat, recommendation_table(), survey_table(context),
        agreement_table(context),
    ]  # fmt: skip


def write_tables(
    out: Path | str, scores: pd.DataFrame, context: RunMaterial | None = None
) -> list[Path]:
    """Write every table in every format to the folder `out`; return the paths.

    Parameters are those of `build_tables`. Files: `table3.md`, `.csv`, `.tex`, and so on.
    """
    return save_tables(out, build_tables(scores, context))


def save_tables(out: Path | str, tables: Iterable[Table]) -> list[Path]:
    """Write tables in every format to the folder `out`; return the paths."""
    paths = []
    for table in tables:
        for suffix, render in FORMATS.items():
            path = Path(out) / f"{table.name}.{suffix}"
            write_text(path, render(table))
            paths.append(path)
    return paths
