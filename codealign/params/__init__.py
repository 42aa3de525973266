"""Schema of `params/*.yaml`: one file is one profile; unknown keys are refused.

Every field has a type, a default and a description; the reference page is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from codealign.errors import CodealignError
from codealign.params.evaluation import Codal, Functional, Survey
from codealign.params.prefs import Checks, Filters, Hub, Pairing, Prefs
from codealign.params.profile import Ablation, ModelPair, Params, Resources, Study
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
                    said = f"key {key.value!r} stands there twice"
                    raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
                seen.add((key.tag, key.value))
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Refuse the numbers that YAML 1.1 reads otherwise than they look: 010 is 8, 1:30 is 90."""
        if not re.fullmatch(r"[-+]?(?:0|[1-9][0-9_]*)", node.value):
            said = f"{node.value!r} is another number in YAML ({super().construct_yaml_int(node)})"
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark)
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
    """Return a profile as plain data, unchecked but for its being YAML; as `load_params`."""
    path = Path(path)
    if not path.is_file():
        known = ", ".join(sorted(p.name for p in path.parent.glob("*.yaml"))) or "none"
        what = "a folder, no params file" if path.is_dir() else "no such params file"
        raise CodealignError(f"{path}: {what}; {path.parent} has: {known}")
    data = _read(path.read_bytes(), str(path))
    if not isinstance(data, dict):
        raise CodealignError(f"{path}: expected a mapping of settings, found {type(data).__name__}")
    for change in changes:
        data = _changed(data, change)
    return data


def _read(text: str | bytes, where: str) -> Any:
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return yaml.load(plain, _Loader)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise CodealignError(f"{where}: not valid YAML: {_said(error)}") from None


def _changed(data: dict[str, Any], change: str) -> dict[str, Any]:
    """Return the settings with one changed; mappings that YAML shares by an alias stay apart."""
    key, given, value = change.partition("=")
    if not given or not all(key.split(".")):
        raise CodealignError(f"--set {change}: write it as align.dpo.beta=0.5")
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


def _said(error: Exception) -> str:
    """Return a YAML error in one line: what is wrong, and where."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if problem is None:
        return str(error).split("\n")[0] or type(error).__name__
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem
