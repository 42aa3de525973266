"""What the charts share: labels, sources, percent of scale."""

from __future__ import annotations

import pandas as pd

from codealign.analysis.scores import PAPER, benchmark
from codealign.analysis.tables.scores import label, model_labels
from codealign.records import PATHWAY, STAGES, VARIANTS

STAGE_LABELS = {"base": "Base", "sft": "SFT", "dpo": "DPO", "bonbon": "BoNBoN"}
VARIANT_LABELS = {"pretrained": "pretrained", "finetuned": "fine-tuned"}
ALIGNED = ("dpo", "bonbon")


def model_label(model: str) -> str:
    """Return a model's name as Table 3 prints it."""
    return label(model, 3)


def pathway(variant: str) -> str:
    """Return PTA or FTA."""
    return PATHWAY[variant]


def source_phrase(frame: pd.DataFrame) -> str:
    """Return where a frame's numbers come from, for captions."""
    runs = sorted(set(frame["source"]) - {PAPER})
    parts = ["published numbers"] * (PAPER in set(frame["source"]))
    parts += [f"measured in run {name}" for name in runs]
    return " and ".join(parts) or "no numbers"


def percent_of_scale(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of scores or changes in percent of the benchmark's scale."""
    scale = frame["benchmark"].map(lambda name: benchmark(name).scale)
    return 100 * frame[column].astype(float) / scale.astype(float)


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """Return a column's distinct values in their order; models not in the paper come last."""
    order = {"stage": STAGES, "variant": VARIANTS, "model": tuple(model_labels())}[column]
    found = dict.fromkeys(frame[column])
    return [name for name in order if name in found] + [n for n in found if n not in order]
