"""Tables 1, 2, 6 and 7: tasks, data set sizes, recommendations, survey questions with shares."""

from __future__ import annotations

import pandas as pd
import yaml

from codealign.analysis import survey
from codealign.analysis.context import Context
from codealign.analysis.tables.model import Cell, Group, Row, Table, rounded
from codealign.analysis.tables.scores import NOT_RUN, label
from codealign.paths import DATA

REQUIREMENT_LABELS = {"functional": "Func", "non_functional": "Non-Func"}


def task_table() -> Table:
    """Build Table 1: the nine coding tasks."""
    data = yaml.safe_load((DATA / "tasks.yaml").read_text(encoding="utf-8"))
    rows = [[Cell(t[k]) for k in ("id", "description", "type", "benchmark")] for t in data]
    head = ["ID", "Description", "Type", "Benchmark"]
    return Table("table1", "Table 1. Coding task categories", head, "llll", rows)


def dataset_table(context: Context) -> Table:
    """Build Table 2: preference pairs of each model, printed, and written by the run."""
    raw = pd.read_csv(DATA / "dataset_statistics.csv")
    printed = {(r.model, r.requirement): r.samples for r in raw.itertuples(index=False)}
    ours = {cell: counts.get("pairs") for cell, counts in context.counts.items()}
    rows: list[list[Cell]] = []
    for cell in dict.fromkeys([*printed, *ours]):
        model = label(cell[0], 2)
        repeated = bool(rows) and cell[0] == _model_above(cell, [*dict.fromkeys([*printed, *ours])])
        row = [Cell("" if repeated else model), Cell(REQUIREMENT_LABELS[cell[1]])]
        row.append(Cell(_thousands(printed.get(cell), "not in the paper")))
        rows.append(row + ([Cell(_thousands(ours.get(cell), NOT_RUN))] if ours else []))
    head = ["Model", "Type", "Samples"] + (["Samples of this run"] if ours else [])
    align = "llr" + ("r" if ours else "")
    return Table("table2", "Table 2. Data set statistics (preference pairs)", head, align, rows)


def _model_above(cell: tuple[str, str], cells: list[tuple[str, str]]) -> str:
    return cells[cells.index(cell) - 1][0]


def _thousands(count: int | None, absent: str) -> str:
    return absent if count is None else f"{count:,}"


def recommendation_table() -> Table:
    """Build Table 6: recommendations by category, with the observations behind them."""
    data = yaml.safe_load((DATA / "recommendations.yaml").read_text(encoding="utf-8"))
    rows: list[Row] = []
    for number, category in enumerate(data, 1):
        rows.append(Group(f"Category {number}. {category['category']}"))
        for item in category["items"]:
            seen = ", ".join(str(o) for o in item["observations"])
            rows.append([Cell(item["id"]), Cell(item["text"]), Cell(seen)])
    caption = "Table 6. Recommendations and supporting observations, O = Observation"
    return Table("table6", caption, ["ID", "Recommendation", "O"], ["l", "17", "l"], rows)


def survey_table(context: Context) -> Table:
    """Build Table 7: survey questions and options, with the shares that are known of each."""
    printed = survey.published_shares()
    sources = {"Published shares": printed}
    if context.shares is not None:
        sources["Shares of this run"] = context.shares
    rows: list[Row] = []
    group = ""
    for q in survey.questions().values():
        if q.group != group:
            group = q.group
            rows.append(Group(group))
        cells = [Cell(_shares(frame[frame["question"] == q.id])) for frame in sources.values()]
        rows.append([Cell(q.id), Cell(q.question), Cell(q.printed), *cells])
    head = ["ID", "Question", "Response options", *sources]
    notes = [
        ("", "Shares with 95% Wilson intervals. Published: only these are printed (section 6.1); "
             f"each {survey.DERIVED}."),
    ]  # fmt: skip
    align = ["l", "4", "7", *["6"] * len(sources)]
    caption = "Table 7. Practitioner survey questions and shares"
    return Table("table7", caption, head, align, rows, notes=notes)


def _shares(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "not published"
    parts = [
        f"{r.option} {rounded(r.percent, 1)}% ({r.count}/{r.n}; "
        f"{rounded(r.low, 0)}–{rounded(r.high, 0)}%)"
        if r.n
        else f"{r.option}: no answer"
        for r in frame.itertuples(index=False)
    ]
    return "; ".join(parts)
