"""Nano's seed corpus: documented functions of the grammar, written as Python source files.

A model this small knows only its own grammar, so its seeds are functions of the grammar; real
models take theirs from real source trees, through the same extractor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from codealign.nano import inputs
from codealign.nano.clarity import is_clear
from codealign.nano.documents import seed_function
from codealign.nano.problems import is_telling, test_inputs
from codealign.nano.tasks import Task, sample_task
from codealign.nano.wording import request
from codealign.params import Prefs
from codealign.records import Known, seed_of, write_jsonl, write_text

PER_FILE = 20


def _split_imports(code: str) -> tuple[list[str], str]:
    head, _, rest = code.partition("\ndef ")
    if not rest:
        return [], code
    return [line for line in head.splitlines() if line], f"def {rest}"


def seed_tasks(seed: int, n: int) -> list[tuple[Task, str]]:
    """Return `n` tasks of different names and compositions, none held out, with their functions."""
    rng = random.Random(seed_of("nano seeds", seed))
    found: dict[str, tuple[Task, str]] = {}
    chains: set[str] = set()
    while len(found) < n:
        task = sample_task(rng, held_out=False)
        code = seed_function(task, rng)
        if task.name in found or task.chain in chains or "is_prime" in code:
            continue  # a function that calls another of its module is no seed
        found[task.name] = (task, code)
        chains.add(task.chain)
    return list(found.values())


def seed_functions(seed: int, n: int) -> list[str]:
    """Return `n` documented functions of different names and compositions, none held out."""
    return [code for _, code in seed_tasks(seed, n)]


def known_tasks(seed: int, n: int) -> Iterator[Known]:
    """Yield the tasks of these functions in words, with hidden tests as a benchmark has them.

    A model that writes an instruction may ask for another task than the seed's, and nobody knows
    the right answers to it. Here the grammar says the task, names the function, and its reference
    solution gives the answers: three base tests and 14 further ones, as in a benchmark. As there,
    a task whose inputs tell too little or whose words can be read as another task is left out.
    """
    for task, _ in seed_tasks(seed, n):
        rng = random.Random(seed_of("nano hidden tests", seed, task.name))
        base, plus = test_inputs(task, rng)
        text = request(task, rng, task.name)
        if is_telling(task, base, plus) and is_clear(task, text):
            further = [(given, inputs.expected(task, given)) for given in plus]
            yield Known(task.name, text, inputs.asserts(task.name, [*base, *further]))


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
    functions = seed_functions(seed, n)
    paths = []
    for start in range(0, n, PER_FILE):
        path = Path(folder) / f"functions_{start // PER_FILE:03d}.py"
        write_text(path, module_text(functions[start : start + PER_FILE]))
        paths.append(path)
    return paths


def write_inputs(folder: Path, settings: Prefs, seed: int) -> tuple[Path | str, Path | None]:
    """Return where a run's seeds come from, and its known tasks (None: a model writes them).

    What the settings ask of the grammar, a corpus or tasks with hidden tests, is written to
    `folder` first.
    """
    corpus, known = settings.corpus, None
    if corpus == "nano":
        corpus = folder / "corpus"
        write_seed_corpus(corpus, seed, settings.seeds)
    if settings.tasks == "grammar":
        known = folder / "known.jsonl"
        write_jsonl(known, known_tasks(seed, settings.seeds))
    return corpus, known
