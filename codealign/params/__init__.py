"""Schema of `params/*.yaml`: one file is one profile; unknown keys are refused.

A file with `base: nano.yaml` takes the settings of that one and says what differs. Every field has
a type, a default and a description; the reference page is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from codealign.errors import CodealignError, nearest
from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Checks, Filters, Hub, Pairing, Prefs
from codealign.params.profile import Ablation, ModelPair, Params, Resources, Study, laid_over
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
from codealign.paths import PROJECT, shipped

__all__ = [
    "Ablation", "Align", "AnySection", "Bonbon", "Checks", "Codal", "Dpo", "Filters", "Functional",
    "Gates", "Generation", "Hub", "Lora", "ModelPair", "Pairing", "Params", "Prefs", "Requirement",
    "Resources", "Section", "Sft", "Stage", "Study", "Survey", "Training", "Variant",
    "load_params", "read_params", "validate",
]  # fmt: skip


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
