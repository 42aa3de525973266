"""Where a run keeps its files; creates nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# Holds notebooks/, params/, workflow/ and runs/: the source tree, unless the user names another.
PROJECT = Path(os.environ.get("CODEALIGN_PROJECT", PACKAGE.parent)).resolve()
DATA = PACKAGE / "data"
NANO_DATA = PACKAGE / "nano" / "data"
NANO_WEIGHTS = PACKAGE / "nano" / "weights"


@dataclass(frozen=True)
class RunPaths:
    """The folders and files of one run (`runs/<profile>`)."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    def prefs(self, model: str, requirement: str) -> Path:
        """Preference data of one model and requirement: one file for each step of the pipeline."""
        return self.root / "prefs" / model / requirement

    def checkpoint(self, model: str, variant: str, requirement: str, stage: str) -> Path:
        """PEFT adapter and trainer log of one trained stage (sft, dpo or bonbon)."""
        return self.root / "checkpoints" / model / variant / requirement / stage

    def adapter(self, model: str, variant: str, requirement: str, stage: str) -> Path | None:
        """Folder of the stage's adapter, or None for the base model, which has none."""
        found = self.checkpoint(model, variant, requirement, stage)
        return None if stage == "base" else found

    def evals(self, model: str, variant: str, requirement: str, stage: str) -> Path:
        """Samples and results of one evaluated model, one folder for each benchmark."""
        return self.root / "evals" / model / variant / requirement / stage

    @property
    def scores(self) -> Path:
        """The tidy table of all measured scores."""
        return self.root / "scores.csv"

    @property
    def jobs(self) -> Path:
        """Frozen parameters, log and result marker of each notebook job."""
        return self.root / "jobs"

    @property
    def notebooks(self) -> Path:
        """Executed notebooks."""
        return self.root / "notebooks"

    @property
    def tables(self) -> Path:
        return self.root / "tables"

    @property
    def figures(self) -> Path:
        return self.root / "figures"

    @property
    def report(self) -> Path:
        return self.root / "report"
