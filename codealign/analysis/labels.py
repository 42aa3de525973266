"""How stages, variants and models are called in tables, figures and the summary."""

from __future__ import annotations

from functools import cache

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
