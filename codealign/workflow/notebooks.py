"""The study's notebooks as one table: which cell each is about, what it reads, what it imports.

It is read where a job is handed over, so that it imports nothing that takes time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codealign.records import ALIGNED, STAGES

ADAPTER = ("adapter_model.safetensors",)
SCORES = ("scores.jsonl", "items.jsonl")


@dataclass(frozen=True)
class NotebookSpec:
    """A row of the table.

    Attributes
    ----------
    section : of the settings; names its stage, too (`codealign.stages`).
    place : coordinates of its cell that it has as parameters, and that name its job; () of one
        about the run as a whole.
    fixed : coordinates of its cell that its parameters do not say; an evaluation's requirement is
        that of its benchmarks.
    stages : values of its parameter `stage`.
    reads : files that it reads of the results of a notebook it needs; None: all. Of a job that is
        not named, and beside the files, it reads whether a gate stopped it.
    libraries : which it imports: jobs with the same ones are forks of one process (`warm`).
    """

    section: str
    place: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    reads: Mapping[str, tuple[str, ...]] | None = None
    libraries: str = ""

    @property
    def trains(self) -> bool:
        """Whether it makes an adapter."""
        return self.section in ("sft", "align")


NOTEBOOKS = {
    "01_preferences": NotebookSpec(
        section="prefs",
        place=("model", "requirement"),
        fixed={"variant": "", "stage": ""},
        reads={"01_preferences": ("concepts.jsonl", "instructions.jsonl", "responses.jsonl")},
        libraries="evaluation",
    ),
    "02_sft": NotebookSpec(
        section="sft",
        place=("model", "variant", "requirement"),
        fixed={"stage": "sft"},
        reads={"01_preferences": ("pairs.jsonl",)},
        libraries="training",
    ),
    "03_align": NotebookSpec(
        section="align",
        place=("model", "variant", "requirement", "stage"),
        stages=ALIGNED,
        reads={"01_preferences": ("pairs.jsonl",), "02_sft": ADAPTER},
        libraries="training",
    ),
    "04_functional": NotebookSpec(
        section="functional",
        place=("model", "variant", "stage"),
        fixed={"requirement": "functional"},
        stages=STAGES,
        reads={"02_sft": ADAPTER, "03_align": ADAPTER, "04_functional": SCORES},
        libraries="evaluation",
    ),
    "05_codal": NotebookSpec(
        section="codal",
        place=("model", "variant", "stage"),
        fixed={"requirement": "non_functional"},
        stages=STAGES,
        reads={"02_sft": ADAPTER, "03_align": ADAPTER, "05_codal": SCORES},
        libraries="evaluation",
    ),
    "06_survey_kappa": NotebookSpec(section="survey"),
    "07_paper": NotebookSpec(section="study"),
}
"""By name, in the order in which data pass."""
SHOWING = tuple(name for name, spec in NOTEBOOKS.items() if not spec.place)
"""Notebooks about the run as a whole, whose work is to show: what draws is their stage's code."""
EVALUATION = {
    spec.fixed["requirement"]: name
    for name, spec in NOTEBOOKS.items() if "requirement" in spec.fixed
}  # fmt: skip
"""The notebook that evaluates on the benchmarks of each requirement."""
