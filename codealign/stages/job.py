"""What a stage is to do: a plain value, whoever asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.cell import Cell
from codealign.params import Gates, Generation
from codealign.paths import RunPaths


@dataclass(frozen=True)
class StageJob:
    """One stage of one model in a run: all that decides its result, and where it lies.

    Attributes
    ----------
    section : of the parameters; names the stage's function.
    model : as the registry knows it (`registry.reference`); the cell has its short name.
    cell : the model, and where it stands in the study, seed and ablation included. Its stage is
        what is trained (sft, dpo or bonbon) or evaluated (base too).
    settings : of the section; of `align`, those of the technique.
    paths : of the run, or of the part of it that the job belongs to.
    name : of the job in the run's plan.
    """

    section: str
    model: str
    cell: Cell
    settings: Any
    paths: RunPaths
    name: str
    profile: str
    seed: int = 0
    gates: Gates = Gates()

    @property
    def folder(self) -> Path:
        """Where the job's results go; earlier work there is continued."""
        if self.section == "prefs":
            return self.paths.prefs(self.cell.model, self.cell.requirement)
        trains = self.section in ("sft", "align")
        return self.paths.checkpoint(self.cell) if trains else self.paths.evals(self.cell)

    @property
    def pairs(self) -> Path:
        """The preference pairs of this model and requirement."""
        return self.paths.prefs(self.cell.model, self.cell.requirement) / "pairs.jsonl"

    @property
    def adapter(self) -> Path | None:
        """The adapter that an alignment starts from, or that is evaluated; None: the base model."""
        if self.section == "align":
            sft = self.cell.at(stage="sft")
            return self.paths.checkpoint(sft) if self.settings.start == "sft" else None
        evaluated = self.section in ("functional", "codal") and self.cell.stage != "base"
        return self.paths.checkpoint(self.cell) if evaluated else None

    @property
    def greedy(self) -> Generation:
        """How an evaluated model is sampled: greedily, in the sizes of the settings."""
        length, batch = self.settings.max_new_tokens, self.settings.batch_size
        return Generation(temperature=0.0, max_new_tokens=length, batch_size=batch)

    @property
    def inputs(self) -> list[Path]:
        """Files that must be there before, and whose content decides the result."""
        pairs = [self.pairs] if self.section in ("sft", "align") else []
        return pairs + ([self.adapter / "adapter_model.safetensors"] if self.adapter else [])
