"""Tables 1, 2, 6 and 7: tasks, data set sizes, recommendations, survey questions with shares."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import yaml

from codealign.analysis import agreement, survey
from codealign.analysis.context import Context
from codealign.analysis.labels import model_label
from codealign.analysis.tables.model import Group, Row, Table, rounded
from codealign.analysis.tables.scores import NOT_RUN
from codealign.paths import DATA

REQUIREMENT_LABELS = {"functional": "Func", "non_functional": "Non-Func"}


def task_table() -> Table:
    """Build Table 1: the nine coding tasks."""
    data = yaml.safe_load((DATA / "tasks.yaml").read_text(encoding="utf-8"))
    rows = [[t[k] for k in ("id", "description", "type", "benchmark")] for t in data]
    head = ["ID", "Description", "Type", "Benchmark"]
    return Table("table1", "Table 1. Coding task categories", head, "llll", rows)


def dataset_statistics(pairs: Mapping[tuple[str, str], int]) -> pd.DataFrame:
    """Return the printed and the measured number of pairs of each (model, requirement).

    Columns: model, requirement, published, measured (missing where there is none).
    """
    raw = pd.read_csv(DATA / "dataset_statistics.csv")
    printed = {(r.model, r.requirement): r.samples for r in raw.itertuples(index=False)}
    cells = dict.fromkeys([*printed, *pairs])
    rows = [(*cell, printed.get(cell), pairs.get(cell)) for cell in cells]
    frame = pd.DataFrame(rows, columns=["model", "requirement", "published", "measured"])
    return frame.astype({"published": "Int64", "measured": "Int64"})


def dataset_table(context: Context) -> Table:
    """Build Table 2: preference pairs of each model, printed, and written by the run."""
    pairs = {cell: counts["pairs"] for cell, counts in context.counts.items() if "pairs" in counts}
    rows: list[Row] = []
    above = ""
    for r in dataset_statistics(pairs).itertuples(index=False):
        name = "" if r.model == above else model_label(r.model, 2)
        above = r.model
        row = [name, REQUIREMENT_LABELS[r.requirement]]
        row.append(_thousands(r.published, "not in the paper"))
        rows.append(row + [_thousands(r.measured, NOT_RUN)] * bool(pairs))
    head = ["Model", "Type", "Samples"] + (["Samples of this run"] if pairs else [])
    align = "llr" + ("r" if pairs else "")
    return Table("table2", "Table 2. Data set statistics (preference pairs)", head, align, rows)


def _thousands(count: int | None, absent: str) -> str:
    return absent if pd.isna(count) else f"{count:,}"


def recommendation_table() -> Table:
    """Build Table 6: recommendations by category, with the observations behind them."""
    data = yaml.safe_load((DATA / "recommendations.yaml").read_text(encoding="utf-8"))
    rows: list[Row] = []
    for number, category in enumerate(data, 1):
        rows.append(Group(f"Category {number}. {category['category']}"))
        for item in category["items"]:
            seen = ", ".join(str(o) for o in item["observations"])
            rows.append([item["id"], item["text"], seen])
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
        cells = [_shares(frame[frame["question"] == q.id]) for frame in sources.values()]
        rows.append([q.id, q.question, q.printed, *cells])
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


def agreement_table(context: Context) -> Table:
    """Build the companion to section 6.2: judge agreement, printed and measured."""
    rows: list[Row] = [Group("Published: judge against one human annotator, 200 problems")]
    for r in agreement.published_agreement().itertuples(index=False):
        share = "not published" if pd.isna(r.agreement_percent) else f"{r.agreement_percent:.0f}%"
        kappa = rounded(r.weighted_kappa, 4)
        rows.append([r.judge, f"±{r.tolerance}", "200", share, kappa])
    if context.agreement is not None:
        rows.append(Group("Measured: the run's two judges"))
        rows += [_agreement_row(r) for r in context.agreement.to_dict("records")]
    head = ["Judge, or reading of the tolerance", "Tolerance", "n", "Agreement", "Weighted kappa"]
    notes = [("", AGREEMENT_NOTE)]
    caption = (
        "Judge agreement (section 6.2): linear weighted kappa and agreement within a tolerance"
    )
    return Table("table_agreement", caption, head, "lrrrr", rows, notes=notes)


AGREEMENT_NOTE = (
    "The paper does not say how the tolerance enters kappa. Snapped: ratings within it count as "
    "equal before kappa is taken; free: a distance within it has no weight. Brackets: 95% "
    "intervals (Wilson for agreement, bootstrap for kappa)."
)


def _agreement_row(r: dict) -> list[str]:
    known = not pd.isna(r["kappa"])
    share = f"{rounded(r['agreement'], 0)}%" if r["n"] else "none rated by both"
    if r["n"]:
        share += f" [{rounded(r['agreement_low'], 0)}, {rounded(r['agreement_high'], 0)}]"
    kappa = f"{rounded(r['kappa'], 4)}" if known else r["how"]
    if known:
        kappa += f" [{rounded(r['kappa_low'], 2)}, {rounded(r['kappa_high'], 2)}]"
    return [r["rule"], f"±{r['tolerance']}", str(r["n"]), share, kappa]
