"""Schema of `params/*.yaml`: one file is one profile; unknown keys are refused.

Every field has a type, a default and a description; the reference page is generated from them.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from codealign.errors import CodealignError
from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Checks, Filters, Hub, Pairing, Prefs
from codealign.params.profile import Ablation, Params, Resources, Study
from codealign.params.section import (
    AnySection,
    Generation,
    Requirement,
    Section,
    Stage,
    Variant,
    validate,
)
from codealign.params.training import Align, Bonbon, Dpo, Gates, Lora, Sft, Training

__all__ = [
    "Ablation", "Align", "AnySection", "Bonbon", "Checks", "Codal", "Dpo", "Filters", "Functional",
    "Gates", "Generation", "Hub", "Lora", "Pairing", "Params", "Prefs", "Requirement", "Resources",
    "Section", "Sft", "Stage", "Study", "Survey", "Training", "Variant", "load_params", "validate",
]  # fmt: skip


def load_params(path: Path | str) -> Params:
    """Read and check one profile.

    Raises
    ------
    CodealignError
        No such file, not YAML, or a fault in it (all faults are listed, each with its key).
    """
    path = Path(path)
    if not path.exists():
        known = ", ".join(sorted(p.name for p in path.parent.glob("*.yaml"))) or "none"
        raise CodealignError(f"{path}: no such params file; {path.parent} has: {known}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CodealignError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise CodealignError(f"{path}: expected a mapping of settings, found {type(data).__name__}")
    return validate(Params, data, str(path)).resolved(str(path))
