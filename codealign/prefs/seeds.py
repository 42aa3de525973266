"""Seed functions from a corpus of Python source files (paper, section 3.2)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from codealign.errors import CodealignError
from codealign.generate import windows
from codealign.params import Prefs
from codealign.prefs.filters import FILTERS, Benchmarks, NearDuplicates, faulty, fingerprint
from codealign.prefs.sources import (
    LOST,
    PREFIX,
    Module,
    SourceFunction,
    corpus_folder,
    functions,
    hub_modules,
    read_modules,
)
from codealign.records import Seed, from_json, seed_of, stable_id, write_jsonl, write_text
from codealign.resumable import Index

TYPE_ERROR = "type error"
CONTAMINATED = "shares text with a benchmark"
DUPLICATE = "duplicate but for name, docstring or layout"
NEAR = "near-duplicate"
CHECKED_TOGETHER = 2000  # functions in one call of the type checker


@dataclass(frozen=True)
class Extraction:
    """The functions of a corpus that can be seeds: `kept` of them, in the file `path`.

    `read` counts files and functions, with the files that could not be read; `removed` counts the
    functions that each filter removed (the first one that applies). Functions read = sum of
    `removed` + `kept`.
    """

    path: Path
    kept: int
    read: dict[str, int]
    removed: dict[str, int]

    def line(self) -> str:
        """Return one closing line."""
        why = "".join(f"; {n} {name}" for name, n in self.removed.items() if n)
        lost = "".join(f"; {n} {name}" for name, n in self.read.items() if name in LOST)
        return f"seeds: {self.kept} of {self.read['functions']} functions kept{why}{lost}"


def extract(
    corpus: str | Path,
    path: Path | str,
    benchmarks: Iterable[str] = (),
    settings: Prefs | None = None,
) -> Extraction:
    """Write the functions of a corpus that pass every filter to `path`, in the corpus' order.

    One file at a time is in memory, and the functions that the type checker gets together; the
    index that finds duplicates is on disk. A data set is read once: what was written from it with
    the same settings and benchmarks is used again; folders are small and are always read.

    Parameters
    ----------
    corpus : `stdlib` (the running Python's library), a folder of Python source files, or
        `hub:<data set>` (see `sources.hub_modules`).
    path : JSON Lines file of `Seed` records to write; the counts go to `<path>.counts.json`.
    benchmarks : texts of benchmark problems; a seed that gives one away is removed.
    settings : its `filters` and `hub` are used; None takes the defaults.

    Raises
    ------
    CodealignError
        No such corpus, or no Python file in it.
    """
    settings, texts, path = settings or Prefs(), list(benchmarks), Path(path)
    made_from = stable_id(corpus, settings.filters, settings.hub, *texts)
    note = path.with_name(path.name + ".counts.json")
    if str(corpus).startswith(PREFIX) and path.exists() and note.exists():
        counts = json.loads(note.read_text(encoding="utf-8"))
        if counts.pop("made_from") == made_from:
            return Extraction(path, **counts)
    extraction = _extract(str(corpus), path, Benchmarks(texts), settings)
    counts = {"kept": extraction.kept, "read": extraction.read, "removed": extraction.removed}
    write_text(note, json.dumps({"made_from": made_from, **counts}, indent=1) + "\n")
    return extraction


def _extract(corpus: str, path: Path, guard: Benchmarks, settings: Prefs) -> Extraction:
    read: Counter[str] = Counter(files=0, functions=0)
    names = [f.name for f in FILTERS] + [TYPE_ERROR, CONTAMINATED, DUPLICATE, NEAR]
    removed = Counter(dict.fromkeys(names, 0))
    if corpus.startswith(PREFIX):
        modules = hub_modules(corpus.removeprefix(PREFIX), settings.hub, read)
    else:
        modules = read_modules(corpus_folder(corpus), read)
    seeds = _plain(modules, read, removed)
    if settings.filters.type_check:
        seeds = _typed(seeds, removed)
    seeds = _new(seeds, guard, NearDuplicates(settings.filters.near_duplicates), removed)
    kept = write_jsonl(path, seeds)
    if not read["files"]:
        raise CodealignError(f"corpus {corpus}: no Python file in it; give a folder of sources")
    return Extraction(path, kept, dict(read), dict(removed))


def _plain(modules: Iterable[Module], read: Counter[str], removed: Counter[str]) -> Iterator[Seed]:
    """Yield what passes the predicates, as records: without the syntax trees of their modules."""
    for module in modules:
        for function in functions(module):
            read["functions"] += 1
            reason = next((f.name for f in FILTERS if not f.keep(function)), "")
            if reason:
                removed[reason] += 1
            else:
                yield _seed(function)


def _typed(seeds: Iterable[Seed], removed: Counter[str]) -> Iterator[Seed]:
    for some in windows(seeds, CHECKED_TOGETHER):
        bad = faulty([seed.code for seed in some])
        removed[TYPE_ERROR] += len(bad)
        yield from (seed for place, seed in enumerate(some) if place not in bad)


def _new(
    seeds: Iterable[Seed], guard: Benchmarks, near: NearDuplicates, removed: Counter[str]
) -> Iterator[Seed]:
    known = Index()
    for seed in seeds:
        if guard.contaminate(seed.code):
            removed[CONTAMINATED] += 1
        elif not known.add(fingerprint(seed.code)):
            removed[DUPLICATE] += 1
        elif near.seen(seed.code):
            removed[NEAR] += 1
        else:
            yield seed


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


def choose_seeds(candidates: Path | str, limit: int, seed: int) -> Iterator[Seed]:
    """Yield at most `limit` seeds of a file, drawn by a number made from each one's own id.

    Their order is that of the draw, so a larger limit only adds seeds behind.
    """
    places = Index()
    with Path(candidates).open("rb") as file:
        start = 0
        for number, line in enumerate(file, 1):
            # The index yields its keys in order, and so the lines in the order of the draw.
            name = from_json(line, Seed, f"{candidates}:{number}").id
            places.put(f"{seed_of('seed order', seed, name):016x}{name}", start)
            start += len(line)
        for _, place in islice(places.items(), limit):
            file.seek(place)
            yield from_json(file.readline(), Seed, str(candidates))
