"""Prompt templates: text files beside this module, filled by name, each with a hash.

A template's hash goes into every record or card that depends on its wording, so that a changed word
never passes for the old result.
"""

from __future__ import annotations

import hashlib
import random
import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from codealign.errors import CodealignError, nearest
from codealign.records import DIMENSIONS, seed_of

FOLDER = Path(__file__).resolve().parent


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
            found = [field for _, field, _, _ in string.Formatter().parse(self.text)]
        except ValueError as error:
            raise CodealignError(
                f"template {self.name!r}: {error}; write a literal brace twice"
            ) from None
        return list(dict.fromkeys(f for f in found if f is not None))

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

    Raises
    ------
    CodealignError
        No such template.
    """
    path = FOLDER / f"{name}.txt"
    if not path.is_file():
        known = [p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.txt")]
        raise CodealignError(f"no template {name!r}" + nearest(name, known))
    return Template(name, path.read_text(encoding="utf-8"))


@cache
def principles() -> dict[str, tuple[str, ...]]:
    """Return the principles of each dimension, as they stand in prompts."""
    data = yaml.safe_load((FOLDER / "principles.yaml").read_text(encoding="utf-8"))
    return {dimension: tuple(data[dimension]) for dimension in DIMENSIONS}


def principle_for(dimension: str, item_id: str) -> str:
    """Return the principle that an item of `dimension` gets; the draw depends on its id alone."""
    if dimension not in principles():
        raise CodealignError(f"no dimension {dimension!r}" + nearest(dimension, list(DIMENSIONS)))
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


@cache
def _examples() -> tuple[dict[str, str], ...]:
    return tuple(yaml.safe_load((FOLDER / "examples.yaml").read_text(encoding="utf-8")))


def worked_examples(name: str, answer: str, shots: int) -> str:
    """Return `shots` filled templates with their answers, to stand before a base model's prompt.

    Parameters
    ----------
    name : template, e.g. `concepts`.
    answer : key of the example that is the template's right answer, e.g. `concepts`.
    shots : how many, from 0 to the number of worked examples.
    """
    if shots > len(_examples()):
        raise CodealignError(f"shots: {shots} asked, prompts/examples.yaml has {len(_examples())}")
    fields = template(name).fields
    filled = [
        template(name).fill(**{f: example[f] for f in fields}) + example[answer].rstrip("\n")
        for example in _examples()[:shots]
    ]
    return "".join(text + "\n\n" for text in filled)
