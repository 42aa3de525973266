"""Benchmarks and dimensions that a user adds to the paper's: one entry in a file of `params/` each.

The files need not be there. In `params/benchmarks.yaml`, a functional benchmark:

    interviews:
      problems: data/interviews.jsonl
      label: Interview questions

A profile takes it by its name, as any other: `functional: {benchmarks: [humaneval, interviews]}`.
In `params/dimensions.yaml`, a dimension beside CODAL's five:

    security:
      principles: [Trust no input., Keep secrets out of the code.]
      rubric: Does the code check what comes from outside? ...
      problems: data/security.jsonl

A profile asks for it in `codal.dimensions` (rated) and `prefs.dimensions` (trained for).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from codealign.errors import CodealignError, nearest
from codealign.params.section import AnySection, Section, validate
from codealign.paths import DATA, PROJECT

BENCHMARKS = PROJECT / "params" / "benchmarks.yaml"
DIMENSIONS = PROJECT / "params" / "dimensions.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Own(Section):
    """What an entry of either file has."""

    problems: str = Field(description="file, .jsonl or .jsonl.gz, seen from the project")
    label: str = Field("", description="name in figures; empty: the entry's own")

    @property
    def path(self) -> Path:
        """The file of problems."""
        return PROJECT / self.problems


class OwnBenchmark(Own):
    """A functional benchmark of one's own, scored by pass@1 over all its tests.

    Its problems are in HumanEval+'s format.
    """


class OwnDimension(Own):
    """A non-functional dimension of one's own, rated from 1 to 10 like CODAL's.

    Its problems are instructions with a reference, as CODAL's.
    """

    principles: list[str] = Field(
        min_length=1, description="what a task asks for; an item draws one of them"
    )
    rubric: str = Field(description="what a judge grades, and its scale")


@cache
def own_benchmarks(path: Path = BENCHMARKS) -> dict[str, OwnBenchmark]:
    """Return the benchmarks that the project adds, by name.

    Raises
    ------
    CodealignError
        A fault in the file, or a name that is taken or not made of a-z, 0-9 and _.
    """
    return _entries(path, OwnBenchmark, {"evoeval", *_papers()})


@cache
def own_dimensions(path: Path = DIMENSIONS) -> dict[str, OwnDimension]:
    """Return the dimensions that the project adds, by name; raises as `own_benchmarks`."""
    return _entries(path, OwnDimension, {name.removeprefix("codal_") for name in _papers()})


def own_dimension(name: str) -> OwnDimension:
    """Return one of the project's own dimensions.

    Raises
    ------
    CodealignError
        There is no such entry; gives the nearest.
    """
    known = own_dimensions()
    if name not in known:
        raise CodealignError(f"{DIMENSIONS}: no dimension {name!r}" + nearest(name, list(known)))
    return known[name]


def _papers() -> set[str]:
    return set(yaml.safe_load((DATA / "benchmarks.yaml").read_text(encoding="utf-8")))


def _entries(path: Path, cls: type[AnySection], taken: set[str]) -> dict[str, AnySection]:
    if not path.exists():
        return {}
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    for name in entries:
        if name in taken or not NAME.fullmatch(str(name)):
            why = "is taken" if name in taken else "may have a-z, 0-9 and _ only"
            raise CodealignError(f"{path}: {name!r}: the name {why}; choose another")
    return {name: validate(cls, entry, f"{path}: {name}") for name, entry in entries.items()}
