"""What training reached, and experiments whose effect is known: their arms, as tables.

An arm is the main cells or an ablation. Where hidden tests are known (`prefs.tasks: grammar`), the
share of an arm's chosen responses that they refuse is its label noise: 0 for pairs that these tests
labelled (the positive control), half for pairs that a coin tossed (the placebo).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codealign.analysis import labels, stats
from codealign.analysis.effects import Effect
from codealign.analysis.scores import SEEDLESS
from codealign.analysis.study.effects import StudyRun
from codealign.analysis.tables.model import Group, Row, Table
from codealign.analysis.tables.study import number, where
from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import ALIGNED
from codealign.train.readme import ENOUGH, NO_EXPERIMENT

FACTS = ["examples", "steps", "gap", "target", "noise"]
TRAINED = [*SEEDLESS, "seed", *FACTS]


@dataclass(frozen=True)
class Arm:
    """An aligned cell of an arm.

    `gain` is over the SFT model that it started from, `base` over the base model; `facts` has the
    means over seeds of its training (`FACTS`).
    """

    place: Cell
    gain: Effect
    base: Effect
    facts: dict[str, float]


def trained(root: Path | str) -> pd.DataFrame:
    """Return one row (`TRAINED`) per trained adapter of a run: its pairs, labels and reached gap.

    `examples` counts pairs; `gap` and `target` are in nats, NaN where a technique has none; `noise`
    is the share of the chosen responses that hidden tests refuse, NaN without hidden tests.
    """
    rows = []
    for part in RunPaths(Path(root)).parts():
        for path in sorted(part.root.glob("checkpoints/*/*/*/*/training.json")):
            cell = Cell.parse(path.parent.relative_to(part.top).as_posix())
            facts = json.loads(path.read_text(encoding="utf-8"))
            place = {**cell.columns(), "seed": cell.seed or 0}
            rows.append([place[n] if n in place else facts.get(n) for n in TRAINED])
    frame = pd.DataFrame(rows, columns=TRAINED)
    frame[FACTS] = frame[FACTS].astype(float)
    return frame


def arms(study: StudyRun, training: pd.DataFrame) -> list[Arm]:
    """Return the functional arms of which hidden tests say how noisy their labels are."""
    known = training[training["noise"].notna()]
    own_sft = set(known.loc[known["stage"] == "sft", "ablation"]) - {""}
    labelled = []
    for place in study.places:
        if place.cross or place.stage not in ALIGNED:
            continue
        own_rows = known[SEEDLESS] == list(place.columns(SEEDLESS).values())
        adapters = known[own_rows.all(axis=1)]
        if len(adapters):
            # As in the table of the placebo, where the arm has the main cell's SFT.
            own = place.ablation in own_sft
            gain = study.minus(place, place.at(stage="sft")) if own else study.change(place, "sft")
            labelled.append(Arm(place, gain, study.change(place), adapters[FACTS].mean().to_dict()))
    return labelled


MAIN = "main"


def control_tables(root: Path | str, study: StudyRun) -> list[Table]:
    """Return the tables that a run has something for."""
    training = trained(root)
    tables = [gaps_table(training), controls_table(arms(study, training)), formats_table(study)]
    return [t for t in tables if t.rows]


def gaps_table(training: pd.DataFrame) -> Table:
    """The gap that each alignment reached beside BoNBoN's target, means over seeds."""
    rows: list[Row] = []
    aligned = training[training["stage"].isin(ALIGNED)]
    for key, own in aligned.groupby(SEEDLESS, sort=False):
        place = Cell.of(dict(zip(SEEDLESS, key, strict=True)))
        gaps = own["gap"].dropna().tolist()
        low, high, _ = stats.t_mean(gaps)
        mean, target = own["gap"].mean(), own["target"].mean()
        gap = f"{mean:.1f}" if pd.isna(low) else labels.with_interval(mean, low, high, "{:.1f}")
        requirement = labels.REQUIREMENTS[place.requirement]
        cells = [place.ablation or MAIN, where(place), requirement]
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


def hardly_moved(root: Path | str) -> str:
    """Return a sentence where a run's alignments ended far short of BoNBoN's target, else ""."""
    frame = trained(root)
    own = frame[(frame["stage"] == "bonbon") & (frame["ablation"] == "")]
    share = (own["gap"] / own["target"]).mean()
    if pd.isna(share) or share >= ENOUGH:
        return ""
    steps, pairs = own["steps"].mean(), own["examples"].mean()
    return (
        f"Alignment hardly moved the models: BoNBoN came {max(share, 0):.0%} of the way to its "
        f"target gap, in {steps:.0f} steps on {pairs:.0f} pairs (means over the models). What is "
        "said of DPO and BoNBoN is as much about SFT; more pairs (prefs.seeds), more epochs or a "
        "higher rate in align go further."
    )


def _reached(gap: float, target: float) -> tuple[str, str]:
    """Return the target and the share of it that was reached, "" for a technique without one."""
    if pd.isna(target):
        return "", ""
    share = f"{gap / target:.0%}"
    return f"{target:.2f}", share if gap >= ENOUGH * target else f"({share})"


def controls_table(of_run: Sequence[Arm]) -> Table:
    """Each arm's gain over the SFT model it started from, with its label noise."""
    rows: list[Row] = []
    for cell in dict.fromkeys(arm.place.at(ablation="") for arm in of_run):
        rows.append(Group(f"{cell.model}: {where(cell)}"))
        for arm in (arm for arm in of_run if arm.place.at(ablation="") == cell):
            f, reached = arm.facts, _reached(arm.facts["gap"], arm.facts["target"])
            rows.append([
                arm.place.ablation or MAIN, f"{f['noise']:.0%}", number(arm.gain), number(arm.base),
                f"{f['examples']:.0f}", f"{f['gap']:+.1f}", reached[1], str(arm.gain.seeds),
                str(arm.gain.n),
            ])  # fmt: skip
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


def formats_table(study: StudyRun) -> Table:
    """Each stage's pass@1 in the main format and in the one that an ablation asked in."""
    rows: list[Row] = []
    names = [name for name, varied in study.changes.items() if "functional.format" in varied]
    for other in (place for place in study.places if place.ablation in names):
        own = other.at(ablation="")
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
