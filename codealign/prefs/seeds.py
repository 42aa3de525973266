"""Seed functions from a folder of Python source files (paper, section 3.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codealign.errors import CodealignError
from codealign.prefs.filters import FILTERS
from codealign.prefs.overlap import Benchmarks, fingerprint
from codealign.prefs.sources import SourceFunction, corpus_folder, functions, read_modules
from codealign.records import Seed, seed_of, stable_id

CONTAMINATED = "shares text with a benchmark"
DUPLICATE = "duplicate but for name, docstring or layout"


@dataclass(frozen=True)
class Extraction:
    """The seeds of a corpus.

    `read` counts files and functions, with the files that could not be read; `removed` counts the
    functions that each filter removed (the first one that applies). Functions read = sum of
    `removed` + number of seeds.
    """

    seeds: list[Seed]
    read: dict[str, int]
    removed: dict[str, int]

    def line(self) -> str:
        """Return one closing line."""
        why = "".join(f"; {n} {name}" for name, n in self.removed.items() if n)
        return f"seeds: {len(self.seeds)} of {self.read['functions']} functions kept{why}"


def extract(corpus: str | Path, benchmarks: Iterable[str] = ()) -> Extraction:
    """Return the functions of a corpus that pass every filter, in the order of their paths.

    Parameters
    ----------
    corpus : `stdlib` (the running Python's library) or a folder of Python source files.
    benchmarks : texts of benchmark problems; a seed that gives one away is removed.

    Raises
    ------
    CodealignError
        No such folder, or no Python file in it.
    """
    folder = corpus_folder(str(corpus))
    guard = Benchmarks(benchmarks)
    read: Counter[str] = Counter(files=0, functions=0)
    removed = Counter({f.name: 0 for f in FILTERS} | {CONTAMINATED: 0, DUPLICATE: 0})
    seeds: dict[str, Seed] = {}
    for module in read_modules(folder, read):
        for function in functions(module):
            read["functions"] += 1
            reason = _refusal(function, guard, seeds)
            if reason:
                removed[reason] += 1
            else:
                seeds[fingerprint(function.standalone)] = _seed(function)
    if not read["files"]:
        raise CodealignError(f"corpus {corpus}: no Python file in it; give a folder of sources")
    return Extraction(list(seeds.values()), dict(read), dict(removed))


def _refusal(function: SourceFunction, guard: Benchmarks, seeds: dict[str, Seed]) -> str:
    for one in FILTERS:
        if not one.keep(function):
            return one.name
    if guard.contaminate(function.standalone):
        return CONTAMINATED
    return DUPLICATE if fingerprint(function.standalone) in seeds else ""


def _seed(function: SourceFunction) -> Seed:
    code = function.standalone
    return Seed(
        id=stable_id("seed", code),
        code=code,
        name=function.node.name,
        docstring=function.docstring,
        path=function.module.path,
        line=function.node.lineno,
    )


def choose_seeds(seeds: Iterable[Seed], limit: int, seed: int) -> list[Seed]:
    """Return at most `limit` seeds, drawn by a number made from each one's own id.

    The order of the result is that of the draw, so a larger limit only adds seeds behind.
    """
    return sorted(seeds, key=lambda s: (seed_of("seed order", seed, s.id), s.id))[:limit]
