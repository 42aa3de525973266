"""The filters a function must pass to become a seed, after SelfCodeAlign (Wei et al. 2024).

Each filter is a predicate with a name; `seeds.extract` applies them in this order and counts what
each removed. Behind them it checks types, and looks for benchmark problems and duplicates (all
below). Where they differ from SelfCodeAlign's: docs/explanation/deviations.md.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import symtable
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasketch import MinHash, MinHashLSH

from codealign.errors import CodealignError
from codealign.prefs.sources import SourceFunction
from codealign.records import stable_id
from codealign.resumable import Index

MIN_LINES, MAX_LINES, MAX_CHARACTERS = 3, 40, 2000
MIN_DOCSTRING_WORDS = 3
UNFINISHED = ("todo", "fixme", "deprecated", "internal use", "not implemented")
IO_CALLS = frozenset("open print input exec eval compile __import__ breakpoint exit quit".split())
SAFE_MODULES = frozenset(
    """abc array base64 binascii bisect calendar cmath collections colorsys copy datetime decimal
    difflib enum fnmatch fractions functools hashlib heapq html itertools json keyword math numbers
    operator random re statistics string struct textwrap types typing unicodedata""".split()
)


@dataclass(frozen=True)
class Filter:
    """A named predicate: a function is kept if `keep` says so."""

    name: str
    keep: Callable[[SourceFunction], bool]


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes inside a function, without those of functions and classes nested in it."""
    nested = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, nested):
            yield from own_nodes(child)


def parses(function: SourceFunction) -> bool:
    """Its own source lines are valid Python without the rest of their file."""
    try:
        symtable.symtable(function.code, "<code>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def has_docstring(function: SourceFunction) -> bool:
    """It has a docstring of at least three words."""
    return len(function.docstring.split()) >= MIN_DOCSTRING_WORDS


def is_finished(function: SourceFunction) -> bool:
    """Its docstring does not call it unfinished, deprecated or internal."""
    return not any(word in function.docstring.lower() for word in UNFINISHED)


def returns_a_value(function: SourceFunction) -> bool:
    """It returns something other than None."""
    returned = [n.value for n in own_nodes(function.node) if isinstance(n, ast.Return)]
    return any(v is not None and ast.unparse(v) != "None" for v in returned)


def takes_plain_arguments(function: SourceFunction) -> bool:
    """It takes at least one argument by position and no `*args` or `**kwargs`."""
    taken = function.node.args
    return bool(taken.posonlyargs or taken.args) and not (taken.vararg or taken.kwarg)


def is_plain(function: SourceFunction) -> bool:
    """It is no coroutine, generator or decorated function and touches no outer variable."""
    odd = (ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await)
    return (
        isinstance(function.node, ast.FunctionDef)
        and not function.node.decorator_list
        and not any(isinstance(n, odd) for n in own_nodes(function.node))
    )


def has_a_fair_length(function: SourceFunction) -> bool:
    """It has 3 to 40 lines and at most 2000 characters."""
    lines = function.code.count("\n")
    return MIN_LINES <= lines <= MAX_LINES and len(function.code) <= MAX_CHARACTERS


def does_no_io(function: SourceFunction) -> bool:
    """It calls none of `open`, `print`, `input`, `exec`, `eval` and their like."""
    calls = [n for n in ast.walk(function.node) if isinstance(n, ast.Call)]
    return not any(isinstance(c.func, ast.Name) and c.func.id in IO_CALLS for c in calls)


def is_self_contained(function: SourceFunction) -> bool:
    """All it needs are builtins, constants of its module and harmless standard modules."""
    needed = function.requirements
    return needed is not None and all(b.module in SAFE_MODULES | {""} for b in needed)


FILTERS = (
    Filter("does not parse by itself", parses),
    Filter("no docstring", has_docstring),
    Filter("returns no value", returns_a_value),
    Filter("no plain arguments", takes_plain_arguments),
    Filter("generator, coroutine, decorated or outer variables", is_plain),
    Filter("too short or too long", has_a_fair_length),
    Filter("docstring says unfinished", is_finished),
    Filter("input, output or evaluation", does_no_io),
    Filter("not self-contained", is_self_contained),
)


# Static type errors in many pieces of code, found in one process.
#
# The checker is Pyrefly: one wheel without dependencies (Pyright, which SelfCodeAlign used, needs
# Node), a stable release, and fast enough that a check of every candidate costs less than reading
# it. It reads the code and never runs it. Imports are met by its own stubs of the standard library;
# no interpreter and no installed package is asked, so that the result is the same everywhere.

PYREFLY_OPTIONS = (
    "--preset=default",
    "--python-version=3.11",
    "--skip-interpreter-query",
    "--disable-search-path-heuristics",
    "--min-severity=error",
    "--output-format=json",
    "--summary=none",
)


def faulty(codes: Sequence[str]) -> set[int]:
    """Return the places of the pieces of code that have a type error.

    Raises
    ------
    CodealignError
        Pyrefly is missing or failed.
    """
    if not codes:
        return set()
    with tempfile.TemporaryDirectory(prefix="codealign-types-") as folder:
        for index, code in enumerate(codes):
            path = Path(folder) / f"candidate_{index}.py"
            path.write_text(code, encoding="utf-8", errors="replace")
        (Path(folder) / "pyrefly.toml").touch()  # else a folder above might configure it
        command = [sys.executable, "-m", "pyrefly", "check", *PYREFLY_OPTIONS]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode not in (0, 1) or not done.stdout:
        message = " ".join(done.stderr.split())[:300] or "no output"
        raise CodealignError(
            f"type check: pyrefly failed ({message}); check that "
            f"`{sys.executable} -m pyrefly --version` works, or set filters: {{type_check: false}}"
        )
    errors = json.loads(done.stdout)["errors"]
    return {int(Path(e["path"]).stem.removeprefix("candidate_")) for e in errors}


# Duplicates and near-duplicates among seeds, and seeds that give away a benchmark's problems.

SHINGLE, PERMUTATIONS = 5, 128  # tokens of a shingle, hash functions of a signature
GRAM = 10  # words, as in the decontamination of The Stack's models
SHARE = 0.5  # of a benchmark text's n-grams found in one seed


def words(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case, without punctuation."""
    return re.findall(r"[a-z0-9_]+", text.lower())


def grams(text: str, n: int = GRAM) -> set[tuple[str, ...]]:
    """Return the n-grams of a text's words; a shorter text is one gram, an empty one has none."""
    text_words = words(text)
    if len(text_words) < n:
        return {tuple(text_words)} if text_words else set()
    return {tuple(text_words[i : i + n]) for i in range(len(text_words) - n + 1)}


class Benchmarks:
    """Texts (prompts and, if wanted, solutions) that a seed must not give away."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.sizes: list[int] = []
        self.owners: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for text in texts:
            text_grams = grams(text)
            for gram in text_grams:
                self.owners[gram].append(len(self.sizes))
            self.sizes.append(len(text_grams))

    def contaminate(self, code: str) -> bool:
        """Tell whether `code` holds at least `SHARE` of the n-grams of one of the texts."""
        sizes = {GRAM} | {len(g) for g in self.owners if len(g) < GRAM}
        code_grams = set().union(*(grams(code, n) for n in sizes))
        hits = Counter(owner for gram in code_grams for owner in self.owners.get(gram, ()))
        return any(count >= SHARE * self.sizes[owner] for owner, count in hits.items())


def fingerprint(code: str) -> str:
    """Return an id that is equal for functions that differ in name, docstring or layout only."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.name = "f"
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return stable_id("function", ast.dump(tree))


def shingles(code: str) -> set[str]:
    """Return the runs of five tokens (words, numbers, single signs) of a piece of code."""
    tokens = re.findall(r"\w+|[^\w\s]", code)
    last = max(1, len(tokens) - SHINGLE + 1)
    return {" ".join(tokens[i : i + SHINGLE]) for i in range(last)}


class NearDuplicates:
    """Remembers code and recognises what resembles it, by MinHash and locality-sensitive hashing.

    Similarity is the Jaccard index of the shingles, estimated with 128 hash functions: pairs well
    above the threshold are found, pairs near it may go either way. Two runs agree. Two pieces
    resemble each other if all values of a band are equal; datasketch chooses the bands for the
    threshold. Their index is on disk, since datasketch's own needs kilobytes of memory per piece.

    Parameters
    ----------
    threshold : similarity from which two pieces are near-duplicates, above 0 to 1; 1 finds none
        (equal code is another filter's).
    """

    def __init__(self, threshold: float) -> None:
        self.bands: list[tuple[int, int]] = []
        if threshold < 1:
            best = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
            self.bands = [(band * best.r, (band + 1) * best.r) for band in range(best.b)]
        self.known = Index()

    def seen(self, code: str) -> bool:
        """Tell whether earlier code resembles this one; if not, remember it."""
        if not self.bands:
            return False
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([s.encode("utf-8", "replace") for s in sorted(shingles(code))])
        values = signature.hashvalues
        keys = [f"{start} {values[start:end].tobytes().hex()}" for start, end in self.bands]
        if any(key in self.known for key in keys):
            return True
        for key in keys:
            self.known.add(key)
        return False
