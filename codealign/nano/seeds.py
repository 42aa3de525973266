"""Nano's seed corpus: documented functions of the grammar, written as Python source files.

A model this small knows only its own grammar, so its seeds are functions of the grammar; real
models take theirs from real source trees, through the same extractor.
"""

from __future__ import annotations

import random
from pathlib import Path

from codealign.nano.documents import seed_function
from codealign.nano.tasks import sample_task
from codealign.records import seed_of, write_text

PER_FILE = 20


def _split_imports(code: str) -> tuple[list[str], str]:
    head, _, rest = code.partition("\ndef ")
    if not rest:
        return [], code
    return [line for line in head.splitlines() if line], f"def {rest}"


def seed_functions(seed: int, n: int) -> list[str]:
    """Return `n` documented functions of different names and compositions, none held out."""
    rng = random.Random(seed_of("nano seeds", seed))
    found: dict[str, str] = {}
    chains: set[str] = set()
    while len(found) < n:
        task = sample_task(rng, held_out=False)
        code = seed_function(task, rng)
        if task.name in found or task.chain in chains or "is_prime" in code:
            continue  # a function that calls another of its module is no seed
        found[task.name] = code
        chains.add(task.chain)
    return list(found.values())


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
