"""How stages, variants, models, settings and numbers are written in tables, figures and text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from codealign.paths import DATA

STAGES = {"base": "Base", "sft": "SFT", "dpo": "DPO", "bonbon": "BoNBoN"}
VARIANTS = {"pretrained": "pretrained", "finetuned": "fine-tuned"}
REQUIREMENTS = {"functional": "functional", "non_functional": "non-functional"}


@cache
def model_labels() -> dict[str, dict[int, str]]:
    """Return how each table (2 to 5) of the paper prints a model's name."""
    return yaml.safe_load((DATA / "model_labels.yaml").read_text(encoding="utf-8"))


def model_label(model: str, table: int = 3) -> str:
    """Return the model's name as the table prints it; a model not in the paper keeps its name."""
    return model_labels().get(model, {}).get(table, model)


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings as one level, with dotted names that begin with `above`."""
    level: dict[str, Any] = {}
    for name, value in settings.items():
        place = f"{above}{name}"
        level |= flat(value, f"{place}.") if isinstance(value, dict) else {place: value}
    return level


def rounded(value: float, form: str) -> str:
    """Return a number to one decimal in a format such as "{:+.1f}"; never "-0.0"."""
    return form.format(round(value, 1) + 0.0)  # adding zero turns -0.0 into 0.0


def with_interval(value: float, low: float, high: float, form: str) -> str:
    """Return a number with its interval in brackets, or the remark that it has none."""
    if math.isnan(low) or math.isnan(high):
        return f"{rounded(value, form)} [no interval]"
    return f"{rounded(value, form)} [{rounded(low, form)}, {rounded(high, form)}]"
