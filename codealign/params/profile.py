"""A whole profile: every section and what the jobs need."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from codealign.errors import CodealignError
from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Prefs
from codealign.params.section import (
    Once,
    Requirement,
    Section,
    Some,
    Stage,
    Variant,
    validate,
)
from codealign.params.training import Align, Gates, Sft
from codealign.paths import MADE


class ModelPair(Section):
    """Two sets of weights as one model, in a profile's `models`."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$",
        description="what it is called in the run's folders and tables",
    )
    pretrained: str = Field("", description="folder or Hugging Face id")
    finetuned: str = Field("", description="folder or Hugging Face id")

    def text(self) -> str:
        """Return the pair as one line, which names it wherever a model is named."""
        return json.dumps(self.model_dump(exclude_defaults=True), ensure_ascii=False)


def _named(model: Any) -> Any:
    """Return a model of a profile as text, as jobs and notebooks get it."""
    return validate(ModelPair, model, "models").text() if isinstance(model, dict) else model


LONGEST_NAME = 200
"""In bytes; a file system takes 255, and job files add to the name."""


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", name) or len(name.encode()) > LONGEST_NAME:
        raise ValueError(
            "must be a plain name (letters, digits, `_`, `-`, `.`; at most "
            f"{LONGEST_NAME} bytes): a folder is made"
        )
    return name


class Resources(Section):
    """What one notebook job of a stage needs, for the scheduler."""

    gpu: int = Field(0, ge=0)
    memory_mb: int = Field(3000, ge=1)
    minutes: int = Field(60, ge=1)
    threads: int = Field(1, ge=1)
    device: str = Field(
        "",
        description="what time and memory are planned for, a device of `data/plan_rates.yaml`; "
        "empty: `gpu` or `cpu`",
    )


class Ablation(Section):
    """A named variation of the settings; what it does not vary it shares with the main cells."""

    settings: dict[str, dict[str, Any]] = Field(
        description="what differs, by section: prefs, sft, align, functional or codal"
    )
    variants: Annotated[list[Variant], Once] = Field(default=[], description="empty: the profile's")
    requirements: Annotated[list[Requirement], Once] = Field(
        default=[], description="empty: the profile's"
    )
    stages: Annotated[list[Stage], Once] = Field(
        default=[], description="empty: the profile's trained stages"
    )
    changes: dict[str, list[Any]] = Field(
        default={}, description="filled in on reading: for each setting its main and own value"
    )


class Study(Section):
    """Repetitions and variations of a profile: several seeds, cross-evaluation, ablations."""

    seeds: Annotated[list[int], Once] = Field(
        default=[], description="each a full set of cells; empty: the profile's seed alone"
    )
    cross: bool = Field(
        False, description="evaluate every trained model on the other requirement's benchmarks too"
    )
    ablations: dict[Annotated[str, AfterValidator(_folder_name)], Ablation] = Field(
        default={}, description="by name"
    )


class Params(Section):
    """One profile: everything that decides what a run computes."""

    profile: Annotated[str, AfterValidator(_folder_name)] = Field(
        description="name of the run folder"
    )
    note: str = Field(
        "", description="what a reader of the results must know; stands first in the report"
    )
    seed: int = Field(0, ge=0)
    models: Annotated[list[Annotated[str, BeforeValidator(_named)]], Some] = Field(
        default=["nano"],
        description="each a name in params/models.yaml, a folder, a Hugging Face id, or a mapping "
        "of `name`, `pretrained` and `finetuned` (folders or ids)",
    )
    variants: Annotated[list[Variant], Some] = Field(default=["pretrained", "finetuned"])
    requirements: Annotated[list[Requirement], Some] = Field(
        default=["functional", "non_functional"]
    )
    stages: Annotated[list[Stage], Some] = Field(default=["base", "sft", "dpo", "bonbon"])
    prefs: Prefs = Prefs()
    sft: Sft = Sft()
    align: Align = Align()
    gates: Gates = Gates()
    functional: Functional = Functional()
    codal: Codal = Codal()
    survey: Survey = Survey()
    study: Study = Study()
    resources: dict[str, Resources] = Field(
        default_factory=dict, description="for each notebook, e.g. `02_sft`"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse known tasks for what has none."""
        if self.prefs.tasks == "grammar" and "non_functional" in self.requirements:
            raise ValueError(
                "prefs.tasks: grammar has functional tasks only; leave non_functional out of "
                "requirements"
            )
        return self

    def varied(self, name: str, where: str = "") -> Params:
        """Return the profile with the settings of one ablation, without its study.

        Raises
        ------
        CodealignError
            The ablation names a section or a setting that does not exist, or a bad value.
        """
        data = self.model_dump(exclude={"study"})
        place = f"{where or self.profile}: study.ablations.{name}"
        ablation = self.study.ablations[name]
        settings = ablation.settings
        data |= {"requirements": ablation.requirements or self.requirements}
        unknown = [section for section in settings if section not in MADE]
        if unknown or not settings:
            fault = f"unknown section {unknown[0]!r}" if unknown else "no settings"
            raise CodealignError(f"{place}: {fault}; sections are {', '.join(MADE)}")
        return validate(Params, laid_over(data, settings), place)

    def resolved(self, where: str = "") -> Params:
        """Return the profile with each ablation checked and its `changes` filled in."""
        ablations = {}
        for name, ablation in self.study.ablations.items():
            before, after = (p.model_dump() for p in (self, self.varied(name, where)))
            changes = {key: [_at(before, key), _at(after, key)] for key in _keys(ablation.settings)}
            ablations[name] = ablation.model_copy(update={"changes": changes})
        study = self.study.model_copy(update={"ablations": ablations})
        return self.model_copy(update={"study": study})


def laid_over(data: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the data with some settings changed, mappings key by key.

    A setting that the data have and that is null here is taken away: its default holds again.
    """
    both = {
        k: v for k, v in settings.items() if isinstance(v, dict) and isinstance(data.get(k), dict)
    }
    whole = {**data, **settings, **{k: laid_over(data[k], v) for k, v in both.items()}}
    return {k: v for k, v in whole.items() if v is not None or k not in data}


def _keys(settings: dict[str, Any], above: str = "") -> list[str]:
    """Return the dotted names of the settings in a nested mapping."""
    names = []
    for key, value in settings.items():
        names += _keys(value, f"{above}{key}.") if isinstance(value, dict) else [above + key]
    return names


def _at(data: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        data = data[part]
    return data
