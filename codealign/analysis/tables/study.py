"""Tables of a study: changes over seeds, pathways, alignment tax, ablations, findings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.study.ablations import ALL, compared, groups, placebo
from codealign.analysis.study.effects import KEYS, Study, differences, over_seeds
from codealign.analysis.study.findings import Finding
from codealign.analysis.tables.model import Cell, Group, Row, Table, to_markdown
from codealign.records import ALIGNED, PATHWAY

SEEDS_NOTE = (
    "Means over seeds with 95% t intervals over seeds: a seed has its own preference data and its "
    "own training, the problems and the base model are the same (these intervals do not hold the "
    "choice of problems; those of the summary do). Points: percent of a benchmark's scale, mean "
    "over the requirement's benchmarks."
)


def study_tables(study: Study) -> list[Table]:
    """Return the tables that this run has something for; none for one seed alone."""
    if not study.repeated:
        return []
    found = [effects_table(study), pathways_table(study), tax_table(study)]
    return [t for t in (*found, ablations_table(study), placebo_table(study)) if t.rows]


ONE_SEED = (
    "This run has one seed, no cross-evaluation and no ablation: it has no spread over seeds. "
    "`params/nano_study.yaml` has them."
)


def study_line(study: Study) -> str:
    """Return one sentence on what the run has beyond one seed's main cells."""
    if not study.repeated:
        return ONE_SEED
    seeds = f"{len(study.seeds)} seed{'s' * (len(study.seeds) != 1)}"
    cross = "with" if len(crossed(study)) else "without"
    names = ", ".join(study.changes) or "none"
    return f"{seeds}, {cross} cross-evaluation; ablations: {names}."


def study_markdown(study: Study, tables: Sequence[Table]) -> str:
    """Return the sentence and the tables of the study as Markdown."""
    return "\n\n".join([study_line(study), *(to_markdown(table) for table in tables)])


def number(row: dict[str, Any], signed: bool = True) -> str:
    """Return a mean with its interval; without one (one seed) the mean alone says so."""
    form = "{:+.1f}" if signed else "{:.1f}"
    if math.isnan(row["mean"]):
        return "no number"
    if math.isnan(row["low"]) or row.get("stage") == "base":  # one model, not one a seed
        return labels.rounded(row["mean"], form)
    return labels.with_interval(row["mean"], row["low"], row["high"], form)


def where(row: dict[str, Any]) -> str:
    """Return pathway and stage in words."""
    return f"{PATHWAY[row['variant']]}, {labels.STAGES[row['stage']]}"


def _joined(study: Study, frames: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the rows of the first frame with the numbers of all, by name."""
    rows = []
    for first in next(iter(frames.values())).to_dict("records"):
        row: dict[str, Any] = dict(first)
        for name, frame in frames.items():
            same = [c for c in frame.columns if c in KEYS]
            hit = frame[(frame[same] == [first[c] for c in same]).all(axis=1)]
            row[name] = number(hit.iloc[0].to_dict(), name != "score") if len(hit) else "-"
        rows.append(row)
    return rows


def effects_table(study: Study) -> Table:
    """Score and changes of every stage, pathway and requirement, means over seeds."""
    main, trained = study.main, study.main[study.main["stage"] != "base"]
    above = [differences(main, "stage", stage, "sft").assign(stage=stage) for stage in ALIGNED]
    frames = {
        "score": over_seeds(main, "value"),
        "change": over_seeds(trained, "change"),
        "relative": over_seeds(trained, "relative"),
        "above": over_seeds(pd.concat(above), "difference"),
    }
    rows: list[Row] = []
    title = ""
    for row in _joined(study, frames):
        group = f"{row['model']}, {labels.REQUIREMENTS[row['requirement']]}"
        rows += [Group(group)] * (group != title)
        title = group
        cells = [where(row), row["score"], row["change"], row["relative"], row["above"]]
        rows.append([Cell(text) for text in [*cells, str(row["seeds"])]])
    head = ["Model", "Score", "Change, points", "Change, % of base", "Above its SFT", "Seeds"]
    caption = "Changes over seeds: every stage, pathway and requirement"
    return Table("study_effects", caption, head, "lrrrrr", rows, notes=[("", SEEDS_NOTE)])


def pathways_table(study: Study) -> Table:
    """PTA minus FTA, paired within seeds: of the changes and of the scores."""
    both = {}
    for name, column in (("change", "change"), ("score", "value")):
        found = differences(study.main, "variant", *PATHWAY, column)
        both[name] = over_seeds(found, "difference", [c for c in found.columns if c in KEYS])
    rows: list[Row] = []
    changes, scores = (frame.to_dict("records") for frame in both.values())
    for change, score in zip(changes, scores, strict=True):
        cells = [change["model"], labels.REQUIREMENTS[change["requirement"]]]
        cells += [labels.STAGES[change["stage"]], number(score)]
        cells += ["" if change["stage"] == "base" else number(change), str(change["seeds"])]
        rows.append([Cell(text) for text in cells])
    head = ["Model", "Requirement", "Stage", "Score, PTA - FTA", "Change, PTA - FTA", "Seeds"]
    caption = "The two pathways, paired within seeds: both are trained on the seed's pairs"
    return Table("study_pathways", caption, head, "lllrrr", rows, notes=[("", SEEDS_NOTE)])


def crossed(study: Study) -> pd.DataFrame:
    """Return the cells evaluated on the other requirement's benchmarks."""
    return study.cells[study.cells["trained"] != study.cells["requirement"]]


def tax_table(study: Study) -> Table:
    """Change on the benchmarks trained for, and on the others: the alignment tax."""
    cells = study.cells[(study.cells["ablation"] == "") & (study.cells["stage"] != "base")]
    by = ["model", "trained", "variant", "stage", "requirement"]
    found = over_seeds(cells, "change", by)
    rows: list[Row] = []
    for (model, trained, variant, stage), part in found.groupby(by[:-1], sort=False):
        numbers = {r["requirement"]: r for r in part.to_dict("records")}
        other = next((r for name, r in numbers.items() if name != trained), None)
        if other is None:
            continue
        place = f"{PATHWAY[variant]}, {labels.STAGES[stage]}"
        at_home = number(numbers[trained]) if trained in numbers else "not run"
        cells_ = [model, labels.REQUIREMENTS[trained], place, at_home, number(other), _tax(other)]
        rows.append([Cell(text) for text in [*cells_, str(other["seeds"])]])
    head = ["Model", "Trained for", "Cell", "Change there", "Change on the other", "Tax", "Seeds"]
    note = (
        "Tax: the change on the benchmarks of the requirement that the model was not trained for "
        "lies below 0 over all of its interval; bonus: above it."
    )
    caption = "Alignment tax: trained for one requirement, evaluated on both"
    notes = [("", note), ("", SEEDS_NOTE)]
    return Table("study_tax", caption, head, "lllrrlr", rows, notes=notes)


def _tax(row: dict[str, Any]) -> str:
    if math.isnan(row["low"]):
        return "cannot tell (one seed)"
    return "tax" if row["high"] < 0 else "bonus" if row["low"] > 0 else "cannot tell"


def ablations_table(study: Study) -> Table:
    """Each varied setting beside the main cells' value, paired within seeds."""
    rows: list[Row] = []
    for group in groups(study):
        rows.append(Group(group.title))
        for row in compared(study, group):
            requirement = labels.REQUIREMENTS[row["requirement"]]
            cells = [f"{row['label']}{' (main)' if not row['ablation'] else ''}", where(row)]
            against = number(row["against"]) if row["ablation"] else ""
            cells += [requirement, number(row), against, str(row["seeds"])]
            rows.append([Cell(text) for text in cells])
    head = ["Value", "Cell", "Requirement", "Change against base", "Against main", "Seeds"]
    note = (
        "pairs 0: all there are. Against main: paired within seeds, over the benchmarks that both "
        "have."
    )
    notes = [("", note), ("", SEEDS_NOTE)]
    return Table("study_ablations", "Ablations", head, "lllrrr", rows, notes=notes)


def placebo_table(study: Study) -> Table:
    """Random pairs must show no gain over the model they start from; own pairs may."""
    rows: list[Row] = []
    for row in placebo(study):
        place = "All cells" if row["variant"] == ALL else where(row)
        cells = [place, labels.REQUIREMENTS[row["requirement"]]]
        cells += [number(numbers) for numbers in (row, row["base"], row["main"])]
        rows.append([Cell(text) for text in [*cells, row["verdict"], str(row["seeds"])]])
    head = [
        "Cell",
        "Requirement",
        "Placebo above its SFT",
        "Placebo above the base",
        "Main above its SFT",
        "Verdict",
        "Seeds",
    ]
    note = (
        "Placebo: chosen and rejected exchanged by a toss of a coin for each pair, training else "
        "the same. It starts from the same SFT model as the main cell, so that its gain over that "
        "model is what the preference's direction cannot have given. The verdict is on the mean "
        "over the cells within seeds: of several intervals one soon misses 0 by chance."
    )
    caption = "Placebo: random preference pairs"
    notes = [("", note), ("", SEEDS_NOTE)]
    return Table("study_placebo", caption, head, "llrrrlr", rows, notes=notes)


FINDINGS_NOTE = (
    "Same or opposite sign: the 95% interval lies on one side of 0. Cannot tell: it holds 0, or "
    "there is one seed alone. The interval holds the spread over seeds and, by a jackknife over "
    "problems, the choice of problems; of twenty such intervals one misses by chance. Not "
    "measured: the observation compares models, and a run of one model has nothing to compare. The "
    "ledger's column counts its verdicts on the same observation's statements. What a small model "
    "of a made-up world does is no evidence for or against large ones: it shows that the "
    "experiment can be run to its end, and what an experiment of its size can tell apart."
)


def findings_table(findings: Sequence[Finding]) -> Table:
    """The paper's observations beside the run's numbers."""
    rows: list[Row] = [
        [
            Cell(f.id), Cell(f.says), Cell(f.measured), Cell(_measured(f)), Cell(_verdict(f)),
            Cell(f.ledger),
        ]
        for f in findings
    ]  # fmt: skip
    head = ["Observation", "The paper says", "Measured here", "Result", "Verdict", "Ledger"]
    models = ", ".join(dict.fromkeys(f.model for f in findings))
    caption = f"The paper's observations and this run ({models}), one by one"
    align = ["l", "4", "5", "3", "4", "3"]
    return Table("findings", caption, head, align, rows, notes=[("", FINDINGS_NOTE)])


def _measured(f: Finding) -> str:
    if not f.seeds:
        return ""
    unit = f" {f.unit}" if f.unit else ""
    return f"{number(vars(f))}{unit}, {f.seeds} seed{'s' * (f.seeds != 1)}"


def _verdict(f: Finding) -> str:
    return f.verdict + (f": {f.note}" if f.note else "")
