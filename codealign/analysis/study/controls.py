"""Experiments whose effect is known: each arm's gain over its own SFT, its labels, its training.

An arm is the main cells or an ablation. Where hidden tests are known (`prefs.tasks: grammar`), the
share of an arm's chosen responses that they refuse is its label noise: 0 for pairs that these tests
labelled (the positive control), half for pairs that a coin tossed (the placebo).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codealign.analysis.effects import Effect
from codealign.analysis.study.effects import Study
from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import ALIGNED

PLACE = ["model", "variant", "trained", "ablation", "stage"]
FACTS = ["examples", "steps", "gap", "target", "noise"]
TRAINED = [*PLACE, "seed", *FACTS]


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
    """Return one row (`TRAINED`) a trained adapter of a run: its pairs, labels and reached gap.

    `examples` counts pairs; `gap` and `target` are in nats, NaN where a technique has none; `noise`
    is the share of the chosen responses that hidden tests refuse, NaN without hidden tests.
    """
    rows = []
    for part in RunPaths(Path(root)).parts():
        seed = int(part.seeded.name) if part.seeded != part.top else 0
        for path in sorted(part.root.glob("checkpoints/*/*/*/*/training.json")):
            model, variant, requirement, stage = path.parts[-5:-1]
            found = json.loads(path.read_text(encoding="utf-8"))
            place = [model, variant, requirement, part.ablation, stage, seed]
            rows.append([*place, *(found.get(name) for name in FACTS)])
    frame = pd.DataFrame(rows, columns=TRAINED)
    frame[FACTS] = frame[FACTS].astype(float)
    return frame


def arms(study: Study, training: pd.DataFrame) -> list[Arm]:
    """Return the functional arms of which hidden tests say how noisy their labels are."""
    known = training[training["noise"].notna()]
    own_sft = set(known.loc[known["stage"] == "sft", "ablation"])
    found = []
    for place in study.places:
        if place.requirement != place.trained or place.stage not in ALIGNED:
            continue
        mine = known[(known[PLACE] == [getattr(place, name) for name in PLACE]).all(axis=1)]
        if len(mine):
            start = place.at(
                stage="sft", ablation=place.ablation if place.ablation in own_sft else ""
            )
            facts = mine[FACTS].mean().to_dict()
            found.append(Arm(place, study.minus(place, start), study.change(place), facts))
    return found


def formats(study: Study) -> list[tuple[Cell, Cell]]:
    """Return the models that an ablation scored in another format, beside themselves."""
    names = [name for name, varied in study.changes.items() if "functional.format" in varied]
    return [(place, place.at(ablation="")) for place in study.places if place.ablation in names]
