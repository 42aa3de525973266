"""A whole profile: every section and what the jobs need."""

from __future__ import annotations

from pydantic import Field

from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Prefs
from codealign.params.section import Requirement, Section, Stage, Variant
from codealign.params.training import Align, Sft


class Resources(Section):
    """What one notebook job of a stage needs, for the scheduler."""

    gpu: int = Field(0, ge=0)
    memory_mb: int = Field(3000, ge=1)
    minutes: int = Field(60, ge=1)
    threads: int = Field(1, ge=1)


class Params(Section):
    """One profile: everything that decides what a run computes."""

    profile: str = Field(description="name of the run folder")
    seed: int = Field(0, ge=0)
    models: list[str] = Field(default=["nano"], description="names in params/models.yaml")
    variants: list[Variant] = Field(default=["pretrained", "finetuned"])
    requirements: list[Requirement] = Field(default=["functional", "non_functional"])
    stages: list[Stage] = Field(default=["base", "sft", "dpo", "bonbon"])
    prefs: Prefs = Prefs()
    sft: Sft = Sft()
    align: Align = Align()
    functional: Functional = Functional()
    codal: Codal = Codal()
    survey: Survey = Survey()
    resources: dict[str, Resources] = Field(
        default_factory=dict, description="for each notebook, e.g. `02_sft`"
    )
