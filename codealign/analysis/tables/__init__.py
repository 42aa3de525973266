"""Tables 1 to 7, as printed and as measured, written as Markdown, CSV and LaTeX (booktabs).

Scores by model, stage and benchmark (3 to 5), coding tasks, data set sizes, recommendations, and
survey questions with shares.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis import agreement, labels, survey
from codealign.analysis.context import RunMaterial
from codealign.analysis.labels import model_label
from codealign.analysis.scores import PAPER, Benchmark, benchmarks, published
from codealign.analysis.tables.model import (
    Entry,
    Group,
    Row,
    Table,
    rounded,
    to_csv,
    to_latex,
    to_markdown,
)
from codealign.analysis.tables.study import findings_table, study_markdown, study_tables
from codealign.paths import DATA
from codealign.records import STAGES, VARIANTS, write_text

__all__ = [
    "build_tables", "dataset_statistics", "findings_table", "save_tables", "study_markdown",
    "study_tables", "write_tables",
]  # fmt: skip
FORMATS = {"md": to_markdown, "csv": to_csv, "tex": to_latex}
VARIANT_LABELS = {"pretrained": "Pre", "finetuned": "Fine"}
TITLES = {
    3: "Table 3. Functional benchmarks, pass@1; EvalPerf in percent",
    4: "Table 4. CODAL benchmark, ratings out of 10",
    5: "Table 5. EvoEval benchmark, pass@1",
}
NOT_RUN = "not run"
TIE = "t"
KEY = "Pre: pretrained, Fine: fine-tuned model. Bold: the highest of a model's four stages."
TIE_NOTE = "Several stages share the highest value; the print has only some of them in bold."


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


def number(value: float, b: Benchmark) -> str:
    """Return a score as its table prints it: 0.720, 63.4%, 5.42 or .39."""
    if math.isnan(value):
        return "none scored"
    text = rounded(value, b.decimals)
    if b.metric == "dps":
        return text + "%"
    return text.removeprefix("0") if b.table == 5 else text


def bounds(row: dict[str, Any], b: Benchmark) -> str:
    """Return a score's 95% interval as its table prints numbers, or "-" where it is undefined."""
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return "-"
    return f"{number(row['low'], b)}–{number(row['high'], b)}"


@dataclass(frozen=True)
class Column:
    """A benchmark of one variant in one model's block: values and printed bold by stage."""

    benchmark: Benchmark
    variant: str
    rows: dict[str, dict[str, Any]]

    def best(self) -> set[str]:
        """Stages with the highest value; none if there is nothing to choose between.

        Values are compared as they are shown, so that ties are ties of what a reader sees.
        """
        shown = {s: float(rounded(row["value"], self.benchmark.decimals))
                 for s, row in self.rows.items() if not math.isnan(row["value"])}  # fmt: skip
        if len(set(shown.values())) < 2:
            return set()
        top = max(shown.values())
        return {stage for stage, value in shown.items() if value == top}

    def printed(self) -> set[str] | None:
        """Stages in bold in the print; None for measured values."""
        if any("bold" not in row for row in self.rows.values()):
            return None
        return {stage for stage, row in self.rows.items() if row["bold"]}


def score_table(table: int, published: pd.DataFrame, measured: pd.DataFrame) -> Table:
    """Build Table 3, 4 or 5: the printed block of each model, then the run's blocks.

    A measured block of a model that the paper has follows its printed block. A measured cell
    without a score says "not run".
    """
    columns = [b for b in benchmarks().values() if b.table == table]
    rows: list[Row] = []
    notes: list[tuple[str, str]] = []
    for name, block in _blocks(table, published, measured):
        rows.append(Group(name))
        rows += _block_rows(block, columns, notes)
    kept = [b.name for b in columns]
    footer = [("", KEY), ("", _sizes(columns)), *_measured_notes(measured, kept)]
    footer += sorted(notes, key=lambda note: note[0] == TIE)
    return _table(f"table{table}", _caption(table, measured), columns, rows, footer)


def interval_table(table: int, published: pd.DataFrame, measured: pd.DataFrame) -> Table:
    """Build the companion of Table 3, 4 or 5 with the 95 % interval of every score."""
    columns = [b for b in benchmarks().values() if b.table == table]
    rows: list[Row] = []
    for name, block in _blocks(table, published, measured):
        rows.append(Group(name))
        by_column = _by_column(block, columns)
        for stage in (stage for stage in STAGES if stage in set(block["stage"])):
            known = [(c.benchmark, c.rows.get(stage)) for c in by_column]
            cells = [bounds(row, b) if row else NOT_RUN for b, row in known]
            rows.append([labels.STAGES[stage], *cells])
    kept = [b.name for b in columns]
    both = pd.concat([f for f in (published, measured) if len(f)], ignore_index=True)
    used = sorted(set(both[both["benchmark"].isin(kept)]["interval"]) - {""})
    caption = f"{_caption(table, measured)}: 95% intervals"
    footer = [("", f"Interval: {'; '.join(used)}."), ("", _sizes(columns))]
    if any("variance bound" in name for name in used):
        footer.append(("", BOUND_NOTE))
    return _table(f"table{table}_intervals", caption, columns, rows, footer)


BOUND_NOTE = (
    "Variance bound: the values of single problems are not published; a mean of values between 0 "
    "and the largest score cannot vary more than a proportion does, so these intervals are at "
    "least as wide as ones from the values would be."
)


def _table(
    name: str, caption: str, columns: list[Benchmark], rows: list[Row], notes: list[tuple[str, str]]
) -> Table:
    head = ["Model", *(VARIANT_LABELS[v] for _ in columns for v in VARIANTS)]
    spans = [("", 1), *((b.head, len(VARIANTS)) for b in columns)]
    return Table(name, caption, head, ["l", *"r" * (len(head) - 1)], rows, spans, notes)


def _caption(table: int, measured: pd.DataFrame) -> str:
    sources = ", ".join(sorted(measured["source"].unique()))
    return TITLES[table] + (f" (as printed, and as measured in run {sources})" if sources else "")


def _blocks(
    table: int, published: pd.DataFrame, measured: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (heading, rows) of each model: printed order first, then models of the run alone."""
    kept = [b.name for b in benchmarks().values() if b.table == table]
    printed = published[published["benchmark"].isin(kept)]
    ours = measured[measured["benchmark"].isin(kept)]
    several = len(ours) > 0
    for model in [*dict.fromkeys([*printed["model"], *ours["model"]])]:
        for frame in (printed[printed["model"] == model], ours[ours["model"] == model]):
            for source, block in frame.groupby("source", sort=False):
                origin = "published" if source == PAPER else f"measured, run {source}"
                yield model_label(model, table) + (f" · {origin}" if several else ""), block


def _by_column(block: pd.DataFrame, columns: list[Benchmark]) -> list[Column]:
    """Return a block's rows of each column of the table, by stage."""
    parts: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in block.to_dict("records"):
        parts.setdefault((row["benchmark"], row["variant"]), {})[row["stage"]] = row
    return [Column(b, v, parts.get((b.name, v), {})) for b in columns for v in VARIANTS]


def _block_rows(
    block: pd.DataFrame, columns: list[Benchmark], notes: list[tuple[str, str]]
) -> list[Row]:
    """Return one row per stage; footnotes about the print's bold are appended to `notes`."""
    model, stages = block["model"].iloc[0], set(block["stage"])
    marked = [(c, _bold_note(c, model, notes)) for c in _by_column(block, columns)]
    return [[labels.STAGES[s], *(_cell(column, s, mark) for column, mark in marked)]
            for s in STAGES if s in stages]  # fmt: skip


def _cell(column: Column, stage: str, mark: str) -> Entry:
    if stage not in column.rows:
        return Entry(NOT_RUN)
    best, text = column.best(), number(column.rows[stage]["value"], column.benchmark)
    return Entry(text, stage in best, mark * (stage in (best or {"base"})))


def _bold_note(column: Column, model: str, notes: list[tuple[str, str]]) -> str:
    """Return the footnote letter of a column whose print is bold elsewhere ("" if it agrees)."""
    printed, best = column.printed(), column.best()
    if printed is None or printed == best:
        return ""
    if printed and printed < best:
        notes += [(TIE, TIE_NOTE)] * ((TIE, TIE_NOTE) not in notes)
        return TIE
    letters = sum(mark != TIE for mark, _ in notes)
    mark = "abcdefghijklm"[letters]
    notes.append((mark, _contradiction(column, model, printed, best)))
    return mark


def _contradiction(column: Column, model: str, printed: set[str], best: set[str]) -> str:
    b = column.benchmark

    def named(stages: set[str]) -> str:
        """Return the stages with their values, in words."""
        inside = [s for s in STAGES if s in stages]
        values = [f"{labels.STAGES[s]} ({number(column.rows[s]['value'], b)})" for s in inside]
        return " and ".join(values) or "none"

    where = f"{model_label(model, b.table)}, {b.head}, {VARIANT_LABELS[column.variant]}"
    return f"{where}: the print has {named(printed)} in bold; the highest is {named(best)}."


def _sizes(columns: list[Benchmark]) -> str:
    parts = [f"{b.column} {b.n}" for b in columns]
    return f"Problems behind a published score: {', '.join(parts)}."


def _measured_notes(measured: pd.DataFrame, kept: list[str]) -> list[tuple[str, str]]:
    """Say the n of measured scores and how many problems could not be scored."""
    ours = measured[measured["benchmark"].isin(kept)]
    notes = []
    for source, frame in ours.groupby("source"):
        sizes = frame.groupby("benchmark", sort=False)["n"].agg(["min", "max"])
        parts = [
            f"{benchmarks()[name].column} {low}" + (f" to {high}" if high != low else "")
            for name, low, high in sizes.itertuples()
        ]
        missing = int(frame["missing"].sum())
        text = f"Problems behind a score of run {source}: {', '.join(parts)}."
        if missing:
            text += f" Over all cells, {missing} problems could not be scored and are in no score."
        notes.append(("", text))
    return notes


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


def dataset_table(context: RunMaterial) -> Table:
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


def survey_table(context: RunMaterial) -> Table:
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


def agreement_table(context: RunMaterial) -> Table:
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
