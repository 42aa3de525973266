"""A small made-up run, for tables and figures."""

from __future__ import annotations

import math

import pandas as pd

from codealign.analysis.context import Context
from codealign.analysis.scores import benchmarks, frame_of
from codealign.records import STAGES, VARIANTS, Score


def measured(source: str = "mine", model: str = "nano", value: float = 0.4) -> pd.DataFrame:
    """Return every cell of one model: base at `value` of the scale, each stage 5 points better."""
    rows = []
    for variant in VARIANTS:
        for at, stage in enumerate(STAGES):
            for b in benchmarks().values():
                mean = (value + 0.05 * at) * b.scale
                rows.append(
                    Score(source, model, variant, b.requirement, stage, b.name, b.metric, mean, 20,
                          0, mean - 0.1 * b.scale, mean + 0.1 * b.scale, "Wilson")
                )  # fmt: skip
    return frame_of(rows)


def unscored(frame: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Return the frame with nothing scored on one benchmark."""
    found = frame.copy()
    rows = found["benchmark"] == benchmark
    found.loc[rows, ["value", "low", "high"]] = math.nan
    found.loc[rows, ["n", "missing"]] = [0, 20]
    return found


CONTEXT = Context(counts={("nano", "functional"): {"seeds": 1300, "responses": 2600, "pairs": 204}})
