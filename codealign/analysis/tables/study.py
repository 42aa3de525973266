"""Tables of a study: changes over seeds, pathways, alignment tax, ablations, findings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codealign.analysis import labels
from codealign.analysis.contrasts import CHANGE
from codealign.analysis.effects import Effect
from codealign.analysis.study.effects import StudyRun, compared, groups, placebo
from codealign.analysis.study.findings import Finding
from codealign.analysis.tables.model import Group, Row, Table, to_markdown
from codealign.cell import Cell
from codealign.records import ALIGNED, PATHWAY, VARIANTS

SEEDS_NOTE = (
    "Means over seeds with 95% intervals that hold the spread over seeds (each has its own "
    "preference data and its own training) and the choice of problems (all seeds answer the same "
    "ones); with one seed, the problems alone. Points: percent of a benchmark's scale, mean over "
    "the requirement's benchmarks."
)


def study_tables(study: StudyRun) -> list[Table]:
    """Return the tables that this run has something for; none for one seed alone."""
    if not study.repeated:
        return []
    tables = [effects_table(study), pathways_table(study), tax_table(study)]
    return [t for t in (*tables, ablations_table(study), placebo_table(study)) if t.rows]


ONE_SEED = (
    "This run has one seed, no cross-evaluation and no ablation: it has no spread over seeds. "
    "`params/nano_study.yaml` has them."
)


def study_line(study: StudyRun) -> str:
    """Return one sentence on what the run has beyond one seed's main cells."""
    if not study.repeated:
        return ONE_SEED
    seeds = f"{len(study.seeds)} seed{'s' * (len(study.seeds) != 1)}"
    cross = "with" if study.crossed else "without"
    names = ", ".join(study.changes) or "none"
    return f"{seeds}, {cross} cross-evaluation; ablations: {names}."


def study_markdown(study: StudyRun, tables: Sequence[Table]) -> str:
    """Return the sentence and the tables of the study as Markdown."""
    return "\n\n".join([study_line(study), *(to_markdown(table) for table in tables)])


def number(effect: Effect, signed: bool = True) -> str:
    """Return an effect with its interval, "no number" where there is none."""
    if math.isnan(effect.value):
        return "no number"
    form = "{:+.1f}" if signed else "{:.1f}"
    if math.isnan(effect.low):
        return labels.rounded(effect.value, form)
    return labels.with_interval(effect.value, effect.low, effect.high, form)


def where(place: Cell) -> str:
    """Return pathway and stage in words."""
    return f"{PATHWAY[place.variant]}, {labels.STAGES[place.stage]}"


def effects_table(study: StudyRun) -> Table:
    """Score and changes of every stage, pathway and requirement, means over seeds."""
    rows: list[Row] = []
    title = ""
    for place in study.main:
        group = f"{place.model}, {labels.REQUIREMENTS[place.requirement]}"
        rows += [Group(group)] * (group != title)
        title = group
        score, changes = study.score(place), ["-"] * 3
        if place.stage != "base":
            changes = [number(study.change(place)), number(study.relative(place)), "-"]
        if place.stage in ALIGNED:
            changes[2] = number(study.change(place, "sft"))
        cells = [where(place), number(score, signed=False), *changes, str(len(score.per_seed))]
        rows.append(cells)
    head = ["Model", "Score", "Change, points", "Change, % of base", "Above its SFT", "Seeds"]
    caption = "Changes over seeds: every stage, pathway and requirement"
    return Table("study_effects", caption, head, "lrrrrr", rows, notes=[("", SEEDS_NOTE)])


def pathways_table(study: StudyRun) -> Table:
    """PTA minus FTA, paired within seeds: of the changes and of the scores."""
    rows: list[Row] = []
    places = study.places
    for pta in (p for p in study.main if p.variant == VARIANTS[0]):
        fta = pta.at(variant=VARIANTS[1])
        if fta not in places:
            continue
        score = study.minus(pta, fta)
        change = "" if pta.stage == "base" else number(study.minus(pta, fta, CHANGE))
        cells = [pta.model, labels.REQUIREMENTS[pta.requirement], labels.STAGES[pta.stage]]
        cells += [number(score), change, str(len(score.per_seed))]
        rows.append(cells)
    head = ["Model", "Requirement", "Stage", "Score, PTA - FTA", "Change, PTA - FTA", "Seeds"]
    caption = "The two pathways, paired within seeds: both are trained on the seed's pairs"
    return Table("study_pathways", caption, head, "lllrrr", rows, notes=[("", SEEDS_NOTE)])


def tax_table(study: StudyRun) -> Table:
    """Change on the benchmarks trained for, and on the others: the alignment tax."""
    rows: list[Row] = []
    places = study.places
    for other in sorted(study.crossed, key=lambda p: (p.model, p.trained)):
        home = other.at(requirement=other.trained)
        moved = study.change(other)
        at_home = number(study.change(home)) if home in places else "not run"
        cells = [other.model, labels.REQUIREMENTS[other.trained], where(other), at_home]
        cells += [number(moved), moved.verdict_in_general("bonus", "tax"), str(moved.seeds)]
        rows.append(cells)
    head = ["Model", "Trained for", "Cell", "Change there", "Change on the other", "Tax", "Seeds"]
    note = (
        "Tax: the change on the benchmarks of the requirement that the model was not trained for "
        "lies below 0 over all of its interval; bonus: above it."
    )
    caption = "Alignment tax: trained for one requirement, evaluated on both"
    notes = [("", note), ("", SEEDS_NOTE)]
    return Table("study_tax", caption, head, "lllrrlr", rows, notes=notes)


def ablations_table(study: StudyRun) -> Table:
    """Each varied setting beside the main cells' value, paired within seeds."""
    rows: list[Row] = []
    for group in groups(study):
        rows.append(Group(group.title))
        for row in compared(study, group):
            varied = bool(row.place.ablation)
            start = row.place.stage == "base" and not varied
            rows.append([
                f"{row.label}{'' if varied else ' (main)'}", where(row.place),
                labels.REQUIREMENTS[row.place.requirement],
                "-" if start else number(row.change), number(row.against) if varied else "",
                str(len(study.score(row.place).per_seed)),
            ])  # fmt: skip
    head = ["Value", "Cell", "Requirement", "Change against base", "Against main", "Seeds"]
    note = (
        "pairs 0: all there are. Against main: paired within seeds, over the benchmarks that both "
        "have."
    )
    notes = [("", note), ("", SEEDS_NOTE)]
    return Table("study_ablations", "Ablations", head, "lllrrr", rows, notes=notes)


def placebo_table(study: StudyRun) -> Table:
    """Random pairs must show no gain over the model they start from; own pairs may."""
    rows: list[Row] = []
    for row in placebo(study):
        gains = [number(effect) for effect in (row.sft, row.base, row.main)]
        cell = where(row.place) if row.place else "All cells"
        what = labels.REQUIREMENTS[row.requirement]
        rows.append([cell, what, *gains, row.verdict, str(row.sft.seeds)])
    head = ["Cell", "Requirement", "Placebo above its SFT", "Placebo above the base",
            "Main above its SFT", "Verdict", "Seeds"]  # fmt: skip
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
    "Same or opposite sign: the 95% interval lies on one side of 0. Not distinguishable: it holds "
    "0. Cannot tell: a count of signs has too few seeds for one. The interval holds the spread "
    "over seeds and the choice of problems; of twenty such intervals one misses by chance. Not "
    "measured: the observation compares models, and a run of one model has nothing to compare. The "
    "ledger's column counts its verdicts on the same observation's statements. What a small model "
    "of a made-up world does is no evidence for or against large ones: it shows that the "
    "experiment can be run to its end, and what an experiment of its size can tell apart."
)
NO_FINDINGS = (
    "This run has one training seed. What it shows, it shows in this one training run: how far "
    "another would have moved it is not known, so that no observation is held against it. Its "
    "numbers are in the summary and the answer; `params/nano_study.yaml` has several seeds."
)


def findings_table(findings: Sequence[Finding]) -> Table:
    """The paper's observations beside the run's numbers; of one seed, why there are none."""
    rows = [[f.id, f.says, f.measured, _measured(f), f.verdict, f.note, f.ledger] for f in findings]
    head = ["Observation", "The paper says", "Measured here", "Result", "Verdict", "Note", "Ledger"]
    models = ", ".join(dict.fromkeys(f.model for f in findings)) or "one seed"
    caption = f"The paper's observations and this run ({models}), one by one"
    align = ["l", "4", "4", "3", "2", "3", "2"]
    note = FINDINGS_NOTE if findings else NO_FINDINGS
    return Table("findings", caption, head, align, rows, notes=[("", note)])


def _measured(f: Finding) -> str:
    if math.isnan(f.effect.value):
        return ""
    seeds = f.effect.seeds
    return f"{number(f.effect)} {f.unit}, {seeds} seed{'s' * (seeds != 1)}"
