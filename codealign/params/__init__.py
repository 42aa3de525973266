"""Schema of `params/*.yaml`: one file is one profile; unknown keys are refused.

A file with `base: nano.yaml` takes the settings of that one and says what differs. Every field has
a type, a default and a description; the reference page is generated from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from codealign.errors import CodealignError, nearest
from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Checks, Filters, Hub, Pairing, Prefs
from codealign.params.section import (
    AnySection,
    Generation,
    Once,
    Requirement,
    Section,
    Some,
    Stage,
    Variant,
    validate,
)
from codealign.params.training import Align, Bonbon, Dpo, Gates, Lora, Sft, Training
from codealign.paths import MADE, NANO, PROJECT, shipped

__all__ = [
    "Ablation", "Align", "AnySection", "Bonbon", "Checks", "Codal", "Dpo", "Filters", "Functional",
    "Gates", "Generation", "Hub", "Lora", "ModelPair", "Pairing", "Params", "Prefs", "Requirement",
    "Resources", "Section", "Sft", "Stage", "Study", "Survey", "Training", "Variant",
    "load_params", "read_params", "validate",
]  # fmt: skip


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
        default=[NANO],
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


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: YAML would take the last in silence."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    fault = f"key {key.value!r} stands there twice"
                    raise yaml.constructor.ConstructorError(None, None, fault, key.start_mark)
                seen.add((key.tag, key.value))
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Refuse the numbers that YAML 1.1 reads otherwise than they look: 010 is 8, 1:30 is 90."""
        if not re.fullmatch(r"[-+]?(?:0|[1-9][0-9_]*)", node.value):
            fault = f"{node.value!r} is another number in YAML ({super().construct_yaml_int(node)})"
            raise yaml.constructor.ConstructorError(None, None, fault, node.start_mark)
        return super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load_params(path: Path | str, changes: Sequence[str] = ()) -> Params:
    """Read and check one profile.

    Parameters
    ----------
    changes : settings in place of the file's, e.g. `align.dpo.beta=0.5`; values as in YAML.

    Raises
    ------
    CodealignError
        No such file, not YAML, or a fault in it (all faults are listed, each with its key).
    """
    return validate(Params, read_params(path, changes), str(path)).resolved(str(path))


def read_params(path: Path | str, changes: Sequence[str] = ()) -> dict[str, Any]:
    """Return a profile with what its base says as plain data; as `load_params`.

    Only a base is checked, so that its faults are named as its own; the rest is known to be YAML.
    """
    data = _with_base(Path(path), ())
    for change in changes:
        data = _changed(data, change)
    return data


def _with_base(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """Return a file's settings over those of its base; `above` are the files it is the base of."""
    data = _mapping(path)
    if "base" not in data:
        return data
    named = data.pop("base")
    base, files = _base_file(path, named), [*above, path]
    if base.resolve() in [file.resolve() for file in files]:
        circle = " -> ".join(file.name for file in [*files, base])
        raise CodealignError(f"{path}: base: {named} goes in a circle: {circle}")
    below = _with_base(base, tuple(files))
    validate(Params, below, str(base))
    del below["profile"]  # two profiles are never one run
    return laid_over(below, data)


def _base_file(path: Path, named: Any) -> Path:
    """Return the file of a base: as seen from its profile's folder, or one of the known profiles.

    Raises
    ------
    CodealignError
        There is none.
    """
    if not isinstance(named, str) or not named:
        raise CodealignError(f"{path}: base: {named!r} is no name of a profile, as in nano.yaml")
    file = Path(named) if named.endswith(".yaml") else Path(f"{named}.yaml")
    known = [PROJECT / "params", shipped() / "params"] if file.name == str(file) else []
    folders = [path.parent, *known]
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    names = sorted({p.name for folder in folders for p in folder.glob("*.yaml")})
    raise CodealignError(f"{path}: base: no profile {named!r}" + nearest(file.name, names))


def _mapping(path: Path) -> dict[str, Any]:
    if not path.is_file():
        names = sorted(p.name for p in path.parent.glob("*.yaml") if not p.name.startswith("."))
        known = ", ".join(names) or "none"
        what = "a folder, no params file" if path.is_dir() else "no such params file"
        raise CodealignError(f"{path}: {what}; {path.parent} has: {known}")
    data = _read(path.read_bytes(), str(path))
    if not isinstance(data, dict):
        kind = "nothing" if data is None else type(data).__name__
        raise CodealignError(f"{path}: expected a mapping of settings, found {kind}")
    return data


def _read(text: str | bytes, where: str) -> Any:
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return yaml.load(plain, _Loader)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise CodealignError(f"{where}: not valid YAML: {_yaml_fault(error)}") from None


def _changed(data: dict[str, Any], change: str) -> dict[str, Any]:
    """Return the settings with one changed; mappings that YAML shares by an alias stay apart."""
    key, given, value = change.partition("=")
    if not given or not all(key.split(".")):
        raise CodealignError(f"--set {change}: write it as align.dpo.beta=0.5")
    if key.split(".")[0] == "base":
        raise CodealignError(f"--set {change}: a base is named in a file; --params takes the file")
    data = dict(data)
    *inside, last = key.split(".")
    node = data
    for part in inside:
        below = node.get(part) or {}
        if not isinstance(below, dict):
            raise CodealignError(f"--set {change}: {part} is a value and has no {last!r}")
        node[part] = dict(below)
        node = node[part]
    node[last] = _read(value, f"--set {change}")
    return data


def _yaml_fault(error: Exception) -> str:
    """Return a YAML error in one line: what is wrong, and where."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if problem is None:
        return str(error).split("\n")[0] or type(error).__name__
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem
