"""Prompt templates: text files beside this module, filled by name, each with a hash.

A template's hash goes into every record or card that depends on its wording, so that a changed word
never passes for the old result.
"""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import yaml

from codealign.additions import own_dimensions
from codealign.errors import CodealignError, nearest
from codealign.paths import PROJECT
from codealign.records import DIMENSIONS, seed_of

FOLDER = Path(__file__).resolve().parent
SETS = {"bare": FOLDER, "few_shot": FOLDER / "few_shot", "chat": FOLDER / "chat"}
STEPS = {"concepts": "snippet", "instruction": "concepts", "response": "instruction"}
"""Steps of the preference pipeline, each with the field that its template must have."""


@dataclass(frozen=True)
class Template:
    """A text with `{placeholders}`; `{{` and `}}` stand for braces."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        """The first 16 hexadecimal digits of the text's SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def fields(self) -> list[str]:
        """The names of the placeholders, in order of appearance, each once."""
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(self.text)]
        except ValueError as error:
            raise CodealignError(
                f"template {self.name!r}: {error}; write a literal brace twice"
            ) from None
        return list(dict.fromkeys(f for f in fields if f is not None))

    def fill(self, **values: object) -> str:
        """Return the text with every placeholder replaced; values are not searched for braces.

        Raises
        ------
        CodealignError
            A placeholder without a value, or a value without a placeholder (all are named).
        """
        fields = self.fields
        faults = [f"missing field {f!r}" for f in fields if f not in values]
        faults += [f"unknown field {v!r}" + nearest(v, fields) for v in values if v not in fields]
        if faults:
            raise CodealignError(f"template {self.name!r}: " + "; ".join(faults))
        return self.text.format(**values)


@cache
def template(name: str) -> Template:
    """Return the template in `<name>.txt`, e.g. `concepts` or `rubrics/style`.

    The rubric of one of the project's own dimensions is in its entry.

    Raises
    ------
    CodealignError
        No such template.
    """
    path = FOLDER / f"{name}.txt"
    own = own_dimensions().get(name.removeprefix("rubrics/"))
    if own and name.startswith("rubrics/"):
        return Template(name, own.rubric)
    if not path.is_file():
        known = [p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.txt")]
        raise CodealignError(f"no template {name!r}" + nearest(name, known))
    return Template(name, read_template(path).text)


@cache
def principles() -> dict[str, tuple[str, ...]]:
    """Return the principles of each dimension, own ones included, as they stand in prompts."""
    data = yaml.safe_load((FOLDER / "principles.yaml").read_text(encoding="utf-8"))
    own = {name: tuple(entry.principles) for name, entry in own_dimensions().items()}
    return {**{dimension: tuple(data[dimension]) for dimension in DIMENSIONS}, **own}


def principle_for(dimension: str, item_id: str) -> str:
    """Return the principle that an item of `dimension` gets; the draw depends on its id alone."""
    if dimension not in principles():
        raise CodealignError(f"no dimension {dimension!r}" + nearest(dimension, list(principles())))
    return random.Random(seed_of("principle", item_id)).choice(principles()[dimension])


def task_text(instruction: str, principle: str = "") -> str:
    """Return the task as a model is told it: the instruction and, unless it says so, the principle.

    Every stage that shows a task to a model uses this text: as the chat message of an
    instruction-tuned model, or inside the template `response` for a base model.
    """
    if not principle or principle in instruction:
        return instruction
    return template("with_principle").fill(instruction=instruction, principle=principle)


def response_prompt(task: str) -> str:
    """Return the prompt that makes a base model answer a task (see `task_text`)."""
    return template("response").fill(instruction=task)


@dataclass(frozen=True)
class TemplateSet:
    """The templates of the preference pipeline, in one folder.

    `concepts`, `instruction` and `response` (.txt) are those of functional data; a template for one
    dimension is named after it (`instruction_style`), one for all five `instruction_principle`.
    """

    folder: Path

    def pick(self, step: str, dimension: str = "") -> Template:
        """Return the template of a step; for a dimension its own, or else the one for all.

        Raises
        ------
        CodealignError
            The folder has none of them.
        """
        wanted = [f"{step}_{dimension}", f"{step}_principle"] if dimension else []
        for name in (*wanted, step):
            path = self.folder / f"{name}.txt"
            if path.is_file():
                return read_template(path)
        raise CodealignError(f"{self.folder}: no template {step}.txt; see codealign/prompts")

    def check(self, dimensions: Iterable[str]) -> None:
        """Refuse a set whose templates would not all be filled.

        Parameters
        ----------
        dimensions : those of the data; "" for functional.

        Raises
        ------
        CodealignError
            A step without a template; a template that lacks a field or has one that nothing fills
            (all are named, each with its file).
        """
        faults = []
        for step, dimension in product(STEPS, dimensions):
            picked = self.pick(step, dimension)
            wanted = {STEPS[step]}
            if dimension and step == "instruction":
                wanted.add("principle")
            where = f"{self.folder}/{picked.name}.txt"
            faults += [f"{where}: missing field {{{f}}}" for f in sorted(wanted - {*picked.fields})]
            faults += [f"{where}: unknown field {{{f}}}" for f in picked.fields if f not in wanted]
        if faults:
            raise CodealignError("\n".join(dict.fromkeys(faults)))

    def hashes(self) -> dict[str, str]:
        """Return the hash of every template that the pipeline can pick, by name."""
        picked = [self.pick(step, d) for step in STEPS for d in ("", *DIMENSIONS)]
        return {t.name: t.hash for t in (*picked, template("with_principle"))}


@cache
def read_template(path: Path) -> Template:
    """Return the template in a file, named like it."""
    try:
        return Template(path.stem, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CodealignError(f"{path}: a template must be UTF-8 text") from None


def template_set(name: str) -> TemplateSet:
    """Return the pipeline's templates by name: `bare`, `few_shot`, `chat` or a project's folder.

    Raises
    ------
    CodealignError
        No such folder.
    """
    folder = SETS.get(name, PROJECT / name)
    if not folder.is_dir():
        raise CodealignError(f"templates {name!r}: no such folder" + nearest(name, list(SETS)))
    return TemplateSet(folder)
