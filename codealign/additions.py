"""Benchmarks that a user adds to the paper's: one entry in `params/benchmarks.yaml` each.

The file need not be there. An entry is a name and where its problems are:

    interviews:
      problems: data/interviews.jsonl
      label: Interview questions

A profile takes it by its name, as any other: `functional: {benchmarks: [humaneval, interviews]}`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from codealign.errors import CodealignError
from codealign.params.section import Section, validate
from codealign.paths import DATA, PROJECT

BENCHMARKS = PROJECT / "params" / "benchmarks.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]*")


class OwnBenchmark(Section):
    """A functional benchmark of one's own, scored by pass@1 over all its tests."""

    problems: str = Field(
        description="file in HumanEval+'s format, .jsonl or .jsonl.gz, seen from the project"
    )
    label: str = Field("", description="name in figures; empty: the entry's own")

    @property
    def path(self) -> Path:
        """The file of problems."""
        return PROJECT / self.problems


@cache
def own_benchmarks(path: Path = BENCHMARKS) -> dict[str, OwnBenchmark]:
    """Return the benchmarks that the project adds, by name.

    Raises
    ------
    CodealignError
        A fault in the file, or a name that is taken or not made of a-z, 0-9 and _.
    """
    if not path.exists():
        return {}
    found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    taken = {"evoeval", *yaml.safe_load((DATA / "benchmarks.yaml").read_text(encoding="utf-8"))}
    for name in found:
        if name in taken or not NAME.fullmatch(str(name)):
            why = "is taken" if name in taken else "may have a-z, 0-9 and _ only"
            raise CodealignError(f"{path}: benchmark {name!r}: the name {why}; choose another")
    return {name: validate(OwnBenchmark, entry, f"{path}: {name}") for name, entry in found.items()}
