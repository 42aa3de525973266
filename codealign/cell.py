"""The coordinates of a score: which model, how it was trained, on what it was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from codealign.errors import CodealignError


@dataclass(frozen=True)
class Cell:
    """One score's place.

    Attributes
    ----------
    model, variant, requirement, stage : as in `records`; `requirement` is that of the benchmark.
        A job of preference data has no variant and no stage: "" both.
    benchmark : "" means the evaluated model as a whole.
    seed : of the training; None means all seeds together, or a model that was not trained.
    trained : requirement the model was trained for; "" means the benchmark's.
    ablation : name of the varied settings; "" means a main cell.
    """

    model: str
    variant: str
    requirement: str
    stage: str
    benchmark: str = ""
    seed: int | None = None
    trained: str = ""
    ablation: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "trained", self.trained or self.requirement)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Cell:
        """Return the cell of a row with these columns; what it lacks has its default."""
        return cls(**{f.name: row[f.name] for f in dataclasses.fields(cls) if f.name in row})

    def at(self, **changed: Any) -> Cell:
        """Return the cell with some coordinates changed."""
        return dataclasses.replace(self, **changed)

    def columns(self, names: Iterable[str] = ()) -> dict[str, Any]:
        """Return the coordinates by the names of their columns in tables: `names`, or all."""
        every = dataclasses.asdict(self)
        return {name: every[name] for name in names or every}

    @property
    def cross(self) -> bool:
        """Whether the model was trained for another requirement than that of the benchmark."""
        return self.trained != self.requirement

    @property
    def main(self) -> bool:
        """Whether this is a cell of the study itself: no ablation, no cross-evaluation."""
        return not self.ablation and not self.cross

    def path(self, section: str = "") -> str:
        """Return where the cell's results lie, seen from the run's folder.

        Parameters
        ----------
        section : first section of the settings that the ablation varies.
        """
        parts = [] if self.seed is None else ["seeds", str(self.seed)]
        parts += ["ablations", section, self.ablation] if self.ablation else []
        kind = "cross" if self.cross else "evals"
        parts += [kind, self.model, self.variant, self.requirement, self.stage]
        return "/".join([*parts, *[self.benchmark] * bool(self.benchmark)])

    @classmethod
    def parse(cls, path: str) -> Cell:
        """Return the cell whose `path` this is, or whose checkpoint lies there.

        The cells of a cross folder are trained for the other of the two requirements.

        Raises
        ------
        CodealignError
            The path has another form.
        """
        parts = list(PurePosixPath(path).parts)
        seed, ablation = None, ""
        if parts[:1] == ["seeds"] and len(parts) > 1 and parts[1].isdigit():
            seed, parts = int(parts[1]), parts[2:]
        if parts[:1] == ["ablations"]:
            ablation, parts = parts[2] if len(parts) > 2 else "", parts[3:]
        if parts[:1] not in (["evals"], ["cross"], ["checkpoints"]) or len(parts) not in (5, 6):
            raise CodealignError(
                f"{path}: not the place of a cell; expected [seeds/N/][ablations/SECTION/NAME/]"
                "evals|cross|checkpoints/MODEL/VARIANT/REQUIREMENT/STAGE"
            )
        kind, model, variant, requirement, stage, *rest = parts
        other = {"functional": "non_functional", "non_functional": "functional"}
        trained = other.get(requirement, "") if kind == "cross" else requirement
        benchmark = "".join(rest)
        return cls(model, variant, requirement, stage, benchmark, seed, trained, ablation)
