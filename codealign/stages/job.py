"""What a stage is to do: a plain value, whoever asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.params import Align, Codal, Functional, Gates, Prefs, Section, Sft
from codealign.paths import RunPaths, short_name

SECTIONS: dict[str, type[Section]] = {
    "prefs": Prefs, "sft": Sft, "align": Align, "functional": Functional, "codal": Codal,
}  # fmt: skip
"""The stages by their section of the parameters, in the order in which data pass."""


@dataclass(frozen=True)
class Job:
    """One stage of one model in a run: all that decides its result, and where it lies.

    Attributes
    ----------
    section : of the parameters, one of `SECTIONS`; names the stage's function.
    model : as the registry knows it (`registry.reference`).
    requirement : what is trained for; of an evaluation, that of its benchmarks.
    stage : sft, dpo or bonbon; of an evaluation also base.
    trained : requirement that the evaluated model was trained for.
    settings : of the section; of `align`, those of the technique `stage`.
    paths : of the run, or of the part of it that the job belongs to.
    name : of the job in the run's plan.
    """

    section: str
    model: str
    variant: str
    requirement: str
    stage: str
    settings: Any
    paths: RunPaths
    name: str
    profile: str
    seed: int = 0
    trained: str = ""
    gates: Gates = Gates()

    @property
    def folder(self) -> Path:
        """Where the job's results go; earlier work there is continued."""
        if self.section == "prefs":
            return self.paths.prefs(self.model, self.requirement)
        if self.section in ("sft", "align"):
            return self._checkpoint(self.stage)
        where = (self.model, self.variant, self.requirement, self.stage, self.trained)
        return self.paths.evals(*where)

    @property
    def pairs(self) -> Path:
        """The preference pairs of this model and requirement."""
        return self.paths.prefs(self.model, self.requirement) / "pairs.jsonl"

    @property
    def adapter(self) -> Path | None:
        """The adapter that an alignment starts from, or that is evaluated; None: the base model."""
        if self.section == "align":
            return self._checkpoint("sft") if self.settings.start == "sft" else None
        evaluated = self.section in ("functional", "codal") and self.stage != "base"
        return self._checkpoint(self.stage) if evaluated else None

    def _checkpoint(self, stage: str) -> Path:
        trained = self.trained or self.requirement
        return self.paths.checkpoint(self.model, self.variant, trained, stage)

    @property
    def inputs(self) -> list[Path]:
        """Files that must be there before, and whose content decides the result."""
        pairs = [self.pairs] if self.section in ("sft", "align") else []
        return pairs + ([self.adapter / "adapter_model.safetensors"] if self.adapter else [])

    @property
    def cell(self) -> dict[str, str]:
        """The columns of the job's scores that name the model."""
        return {
            "source": self.profile, "model": short_name(self.model), "variant": self.variant,
            "requirement": self.requirement, "stage": self.stage,
        }  # fmt: skip

    @property
    def place(self) -> dict[str, Any]:
        """The columns of the job's scores beside `cell`: seed, training, ablation."""
        return {"seed": self.seed, "trained": self.trained, "ablation": self.paths.ablation}
