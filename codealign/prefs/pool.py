"""The pool of seed functions that comes with the package: `corpus: nano`, `tasks: grammar`.

A model as small as nano knows only its own grammar, so its seeds are functions of that grammar,
made in the laboratory (`nano/lab/`) and shipped as data: one file for each seed of the shipped
profiles, its functions in the order of their draw, most with a task in words and hidden tests.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codealign.errors import CodealignError
from codealign.params import Prefs
from codealign.paths import NANO_POOL
from codealign.records import Known, seed_of, write_jsonl, write_text

PER_FILE = 20


@dataclass(frozen=True)
class PoolFunction:
    """A documented function; `text` asks for it, `tests` are hidden: both "" where it has none."""

    name: str
    code: str
    text: str = ""
    tests: str = ""


def _read(path: Path) -> list[PoolFunction]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [PoolFunction(**json.loads(line)) for line in lines]


def _others(seed: int) -> list[PoolFunction]:
    """Return one function of each name in the files of other seeds, in an order the seed draws."""
    by_name: dict[str, PoolFunction] = {}
    for path in sorted(NANO_POOL.glob("*.jsonl.gz")):
        if path.name != f"{seed}.jsonl.gz":
            by_name |= {one.name: one for one in _read(path)}
    return sorted(by_name.values(), key=lambda one: seed_of("nano pool", seed, one.name))


def pool_functions(seed: int, n: int) -> list[PoolFunction]:
    """Return `n` functions of different names; a smaller `n` gives the first of them.

    A seed with a file of its own gets that file's functions, in its order. Any other seed, and
    whoever wants more than the file holds, goes on with what the other seeds' files hold.

    Raises
    ------
    CodealignError
        The pool holds fewer.
    """
    own = NANO_POOL / f"{seed}.jsonl.gz"
    chosen = _read(own) if own.exists() else []
    if len(chosen) < n:
        names = {one.name for one in chosen}
        chosen += [one for one in _others(seed) if one.name not in names]
    if len(chosen) < n:
        raise CodealignError(
            f"prefs.seeds: {n} seed functions are wanted, and nano's pool holds {len(chosen)} of "
            "different names; ask for fewer, or give another prefs.corpus"
        )
    return chosen[:n]


def known_tasks(seed: int, n: int) -> Iterator[Known]:
    """Yield the tasks of these functions in words, with hidden tests as a benchmark has them.

    A model that writes an instruction may ask for another task than the seed's, and nobody knows
    the right answers to it. Here the grammar says the task, names the function, and its reference
    solution gives the answers: three base tests and 14 further ones, as in a benchmark. As there,
    a task whose inputs tell too little or whose words can be read as another task is left out.
    """
    return (Known(f.name, f.text, f.tests) for f in pool_functions(seed, n) if f.tests)


def _split_imports(code: str) -> tuple[list[str], str]:
    head, _, rest = code.partition("\ndef ")
    if not rest:
        return [], code
    return [line for line in head.splitlines() if line], f"def {rest}"


def module_text(functions: list[str]) -> str:
    """Return functions as one module, their imports at its top."""
    imports: set[str] = set()
    bodies = []
    for code in functions:
        needed, body = _split_imports(code)
        imports.update(needed)
        bodies.append(body)
    head = "\n".join(['"""Small functions on numbers, words and strings."""', "", *sorted(imports)])
    return head + "\n\n\n" + "\n\n".join(bodies)


def write_seed_corpus(folder: Path | str, seed: int, n: int) -> list[Path]:
    """Write `n` seed functions as Python files of up to PER_FILE functions; return their paths.

    The same seed and number give the same files.
    """
    functions = [one.code for one in pool_functions(seed, n)]
    paths = []
    for start in range(0, n, PER_FILE):
        path = Path(folder) / f"functions_{start // PER_FILE:03d}.py"
        write_text(path, module_text(functions[start : start + PER_FILE]))
        paths.append(path)
    return paths


def write_inputs(folder: Path, settings: Prefs, seed: int) -> tuple[Path | str, Path | None]:
    """Return where a run's seeds come from, and its known tasks (None: a model writes them).

    What the settings take from the pool, a corpus or tasks with hidden tests, is written to
    `folder` first.
    """
    corpus, known = settings.corpus, None
    if settings.embedded:
        corpus = folder / "corpus"
        write_seed_corpus(corpus, seed, settings.seeds)
    if settings.tasks == "grammar":
        known = folder / "known.jsonl"
        write_jsonl(known, known_tasks(seed, settings.seeds))
    return corpus, known
