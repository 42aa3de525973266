"""Hand-made score tables for tests: four stages per row, everything else filled in."""

from __future__ import annotations

import math

import pandas as pd

from codealign.analysis.claims.rules import Scores
from codealign.analysis.scores import benchmark, frame_of
from codealign.records import STAGES, Score

Rows = dict[tuple[str, str, str], tuple[float, ...]]
"""{(model, variant, benchmark): (base, sft, dpo, bonbon)}; NaN is a stage that was not run."""


def frame(rows: Rows, source: str = "mine") -> pd.DataFrame:
    """Return the tidy frame of such rows; n is the benchmark's number of problems."""
    scores = []
    for (model, variant, name), values in rows.items():
        b = benchmark(name)
        for stage, value in zip(STAGES, values, strict=True):
            if not math.isnan(value):
                scores.append(
                    Score(source, model, variant, b.requirement, stage, name, b.metric, value, b.n)
                )
    return frame_of(scores)


def scores_of(rows: Rows, source: str = "mine") -> Scores:
    """Return the scores of such rows, as the ledger's rules take it."""
    return Scores(frame(rows, source))
