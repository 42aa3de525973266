"""Tables of what training reached, and of the arms of an experiment whose effect is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from codealign.analysis import labels, stats
from codealign.analysis.study.controls import PLACE, Arm, arms, formats, trained
from codealign.analysis.study.effects import Study
from codealign.analysis.tables.model import Group, Row, Table
from codealign.analysis.tables.study import number, where
from codealign.cell import Cell
from codealign.records import ALIGNED
from codealign.train.run import ENOUGH, NO_EXPERIMENT

MAIN = "main"


def control_tables(root: Path | str, study: Study) -> list[Table]:
    """Return the tables that a run has something for."""
    training = trained(root)
    tables = [gaps_table(training), controls_table(arms(study, training)), formats_table(study)]
    return [t for t in tables if t.rows]


def gaps_table(training: pd.DataFrame) -> Table:
    """The gap that each alignment reached beside BoNBoN's target, means over seeds."""
    rows: list[Row] = []
    aligned = training[training["stage"].isin(ALIGNED)]
    for key, own in aligned.groupby(PLACE, sort=False):
        model, variant, requirement, arm, stage = key
        place = Cell(model, variant, requirement, stage, ablation=arm)
        gaps = own["gap"].dropna().tolist()
        low, high, _ = stats.t_mean(gaps)
        mean, target = own["gap"].mean(), own["target"].mean()
        gap = f"{mean:.1f}" if pd.isna(low) else labels.with_interval(mean, low, high, "{:.1f}")
        cells = [arm or MAIN, where(place), labels.REQUIREMENTS[requirement]]
        cells += [f"{own[name].mean():.0f}" for name in ("examples", "steps")]
        rows.append([*cells, gap, *_reached(mean, target), str(len(own))])
    head = ["Arm", "Cell", "Requirement", "Pairs", "Steps", "Gap reached, nats", "Target",
            "Share of it", "Seeds"]  # fmt: skip
    note = (
        "Gap: log-ratio of chosen minus rejected, mean over the last tenth of the steps' own pairs "
        f"(95% t interval over seeds). {NO_EXPERIMENT} where the share stands in brackets."
    )
    caption = "How far training went: the gap reached beside BoNBoN's target"
    return Table("study_gaps", caption, head, "lllrrrrrr", rows, notes=[("", note)])


def _reached(gap: float, target: float) -> tuple[str, str]:
    """Return the target and the share of it that was reached, "" for a technique without one."""
    if pd.isna(target):
        return "", ""
    share = f"{gap / target:.0%}"
    return f"{target:.2f}", share if gap >= ENOUGH * target else f"({share})"


def controls_table(found: Sequence[Arm]) -> Table:
    """Each arm's gain over the SFT model it started from, with its label noise."""
    rows: list[Row] = []
    for cell in dict.fromkeys(arm.place.at(ablation="") for arm in found):
        rows.append(Group(f"{cell.model}: {where(cell)}"))
        rows += [_arm(arm) for arm in found if arm.place.at(ablation="") == cell]
    head = ["Arm", "Label noise", "Above its SFT", "Above the base", "Pairs", "Gap, nats",
            "Share of target", "Seeds", "Problems"]  # fmt: skip
    note = (
        "Label noise: share of the chosen responses that hidden tests refuse. Gains: points of "
        "pass@1, mean over the benchmarks, with 95% intervals that hold the seeds and the choice "
        "of problems (with one seed, the problems alone). Positive control: labels from the hidden "
        "tests themselves; placebo: labels from a coin."
    )
    caption = "Controls: what alignment does with labels of known quality"
    return Table("study_controls", caption, head, "lrrrrrrrr", rows, notes=[("", note)])


def _arm(arm: Arm) -> Row:
    f = arm.facts
    return [
        arm.place.ablation or MAIN, f"{f['noise']:.0%}", number(arm.gain), number(arm.base),
        f"{f['examples']:.0f}", f"{f['gap']:+.1f}", _reached(f["gap"], f["target"])[1],
        str(arm.gain.seeds), str(arm.gain.n),
    ]  # fmt: skip


def formats_table(study: Study) -> Table:
    """Each stage's pass@1 in the main format and in the other one."""
    rows: list[Row] = []
    for other, own in formats(study):
        scores = [number(study.score(place), signed=False) for place in (own, other)]
        change = study.minus(other, own)
        rows.append([where(own), *scores, number(change), str(change.seeds)])
    head = ["Cell", "Own format", "Other format", "Difference", "Seeds"]
    note = (
        "Percent solved, mean over the benchmarks, with 95% intervals that hold the seeds and the "
        "choice of problems. Training puts the pairs into the format of instructions, whatever the "
        "format of the benchmarks; a pretrained variant's own format is to complete."
    )
    caption = "The format of the question: the same models, asked in two ways"
    return Table("study_formats", caption, head, "lrrrr", rows, notes=[("", note)])
