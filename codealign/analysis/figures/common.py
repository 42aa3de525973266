"""What the charts share: labels and sources."""

from __future__ import annotations

import pandas as pd

from codealign.analysis.labels import model_labels
from codealign.analysis.scores import PAPER
from codealign.records import STAGES, VARIANTS


def source_phrase(frame: pd.DataFrame) -> str:
    """Return where a frame's numbers come from, for captions."""
    runs = sorted(set(frame["source"]) - {PAPER})
    parts = ["published numbers"] * (PAPER in set(frame["source"]))
    parts += [f"measured in run {name}" for name in runs]
    return " and ".join(parts) or "no numbers"


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """Return a column's distinct values in their order; models not in the paper come last."""
    order = {"stage": STAGES, "variant": VARIANTS, "model": tuple(model_labels())}[column]
    found = dict.fromkeys(frame[column])
    return [name for name in order if name in found] + [n for n in found if n not in order]
