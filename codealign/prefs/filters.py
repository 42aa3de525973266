"""The filters a function must pass to become a seed, after SelfCodeAlign (Wei et al. 2024).

Each filter is a predicate with a name; `seeds.extract` applies them in this order and counts what
each removed. Behind them it checks types (`typecheck`), and looks for benchmark problems and
duplicates (`overlap`). Where they differ from SelfCodeAlign's: docs/explanation/deviations.md.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codealign.prefs.sources import SourceFunction

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
    arguments = function.node.args
    return bool(arguments.args) and not arguments.vararg and not arguments.kwarg


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
