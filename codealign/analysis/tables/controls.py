"""Tables of what training reached, and of the arms of an experiment whose effect is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.study.controls import CELL, arms, formats, trained
from codealign.analysis.study.effects import Changes, spread
from codealign.analysis.tables.model import Cell, Group, Row, Table
from codealign.analysis.tables.study import number, where
from codealign.records import ALIGNED
from codealign.train.run import ENOUGH, NO_EXPERIMENT

MAIN = "main"


def control_tables(root: Path | str, changes: Changes) -> list[Table]:
    """Return the tables that a run has something for.

    Parameters
    ----------
    changes : what each ablation varies, as in `study_of`.
    """
    known = arms(root)
    known = known[known["noise"].notna()]
    other = [name for name, varied in changes.items() if "functional.format" in varied]
    tables = [gaps_table(trained(root)), controls_table(known)]
    tables += [formats_table(formats(root, name), changes[name]) for name in other]
    return [t for t in tables if t.rows]


def formats_table(found: pd.DataFrame, varied: Mapping[str, Sequence[Any]]) -> Table:
    """Each stage's pass@1 in the main format and in the other one."""
    own, other = varied["functional.format"]
    rows: list[Row] = [
        [Cell(text) for text in (
            where(row), f"{row['own']:.1f}", f"{row['other']:.1f}", number({**row, "stage": ""}),
            str(row["seeds"]),
        )]
        for row in found.to_dict("records")
    ]  # fmt: skip
    head = ["Cell", f"Format {own}", f"Format {other}", "Difference", "Seeds"]
    note = (
        "Percent of the distinct problems solved. Training puts the pairs into the instruction "
        "format, whatever the format of the benchmark; what differs between the stages here is "
        "what training did in the format that it used. The interval holds seeds and problems."
    )
    caption = "The format of the question: the same models, asked in two ways"
    return Table("study_formats", caption, head, "lrrrr", rows, notes=[("", note)])


def gaps_table(training: pd.DataFrame) -> Table:
    """The gap that each alignment reached beside BoNBoN's target, means over seeds."""
    rows: list[Row] = []
    aligned = training[training["stage"].isin(ALIGNED)]
    for cell, own in aligned.groupby(CELL, sort=False):
        place = dict(zip(CELL, cell, strict=True))
        gap, target = spread(own["gap"].tolist()), own["target"].mean()
        cells = [place["ablation"] or MAIN, where(place), labels.REQUIREMENTS[place["trained"]]]
        cells += [f"{own[name].mean():.0f}" for name in ("examples", "steps")]
        cells += [number(gap), *_reached(gap["mean"], target), str(len(own))]
        rows.append([Cell(text) for text in cells])
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


def controls_table(found: pd.DataFrame) -> Table:
    """Each arm's gain over the SFT model it started from, with its label noise."""
    rows: list[Row] = []
    for cell, part in found.groupby(["model", "variant", "stage"], sort=False):
        place = where({"variant": cell[1], "stage": cell[2]})
        rows.append(Group(f"{cell[0]}: {place}"))
        rows += [[Cell(text) for text in _arm(row)] for row in part.to_dict("records")]
    head = ["Arm", "Label noise", "Above its SFT", "Above the base", "Pairs", "Gap, nats",
            "Share of target", "Seeds", "Problems"]  # fmt: skip
    note = (
        "Label noise: share of the chosen responses that hidden tests refuse. Above its SFT: "
        "points of pass@1 over the distinct problems, with a 95% interval that holds the seeds and "
        "the choice of problems. Positive control: labels from the hidden tests themselves; "
        "placebo: labels from a coin."
    )
    caption = "Controls: what alignment does with labels of known quality"
    return Table("study_controls", caption, head, "lrrrrrrrr", rows, notes=[("", note)])


def _arm(row: dict[str, Any]) -> list[str]:
    gain = number({**row, "mean": row["gain"], "stage": ""})
    noise = "unknown" if pd.isna(row["noise"]) else f"{row['noise']:.0%}"
    return [
        row["ablation"] or MAIN, noise, gain, f"{row['above_base']:+.1f}",
        f"{row['examples']:.0f}", f"{row['gap']:+.1f}", _reached(row["gap"], row["target"])[1],
        f"{row['seeds']:.0f}", f"{row['problems']:.0f}",
    ]  # fmt: skip
