"""Does the corpus hold a benchmark's solution or description? Compared after normalising both.

A solution is normalised to its syntax tree without docstrings, hints and guards, with names
numbered in order of appearance, and integers and one-letter strings replaced by a mark. A
description is normalised to what it says is computed, in lower case, with names, numbers and
letters replaced by a mark; "Return the sum of nums." and "Write a function `f` that returns the sum
of values." are one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

from nano.lab.ops import SOURCES

_FUNCTION = re.compile(r"^def .*\n(?:(?:[ \t]+.*)?\n)+", re.MULTILINE)
_TEXTS = re.compile(
    r'"""\n?(.+?)(?:\n\n|\n?assert |\n?""")'  # a docstring up to its examples or asserts
    r"|^# ([^\n]+)$"  # a comment
    r"|^### Instruction\n([^\n]+)$",
    re.MULTILINE | re.DOTALL,
)
_FRAME = re.compile(
    r"^(?:(?:write|implement|create) a (?:python )?function(?: `\w+`)?(?: for this task)?"
    r"(?: that returns| that computes| returning| to find|\.)|return|compute|calculate and return) "
)
_NAMES = {name for source in SOURCES.values() for name in source.args} | {"k", "limit", "letter"}
_MARKED = re.compile(rf'\b(?:\d+|suffix|{"|".join(sorted(_NAMES))})\b|"[^"]*"')


class _Plain(ast.NodeTransformer):
    """Takes from a function what does not change what it computes."""

    def __init__(self, bound: set[str]) -> None:
        self.bound = bound
        self.names: dict[str, str] = {}

    def _named(self, name: str) -> str:
        if name not in self.bound:
            return name
        return self.names.setdefault(name, f"n{len(self.names)}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop name, hints, docstring and a guard."""
        node.name, node.returns = "f", None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        if node.body and _is_guard(node.body[0]):
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Number a parameter and drop its hint."""
        return ast.arg(self._named(node.arg))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Number a name that the function binds; a helper's and Python's own names stay."""
        return ast.Name(self._named(node.id), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Mark integers and one-letter strings."""
        plain = type(node.value) is int or (isinstance(node.value, str) and len(node.value) == 1)
        return ast.Constant("K") if plain else node


def _is_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise)


def _bound(function: ast.FunctionDef) -> set[str]:
    """Return the names of a function's parameters and variables."""
    parameters = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    return parameters | {node.id for node in names if isinstance(node.ctx, ast.Store)}


def solutions(text: str) -> Iterator[str]:
    """Yield the normalised form of each function in a text, the helper for primes left out.

    Functions that do not parse are passed over: nobody can learn a solution from them.
    """
    for match in _FUNCTION.finditer(text):
        try:
            node = ast.parse(match.group()).body[0]
        except SyntaxError:
            continue
        if isinstance(node, ast.FunctionDef) and node.name != "is_prime":
            yield ast.dump(_Plain(_bound(node)).visit(node), annotate_fields=False)


def description(text: str) -> str:
    """Return the normalised form of a description or instruction."""
    stated = _FRAME.sub("", " ".join(text.lower().split()))
    return _MARKED.sub("_", stated).strip(" .")


def descriptions(text: str) -> Iterator[str]:
    """Yield the normalised form of each docstring, comment and instruction in a text."""
    for match in _TEXTS.finditer(text):
        yield description(next(part for part in match.groups() if part))


def fingerprints(problem: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the normalised solution and description of a benchmark's problem, each one or none."""
    if "instruction" in problem:
        return set(list(solutions(problem["reference"]))[-1:]), {
            description(problem["instruction"])
        }
    module = problem["prompt"] + problem["canonical_solution"]
    return set(list(solutions(module))[-1:]), set(list(descriptions(problem["prompt"]))[-1:])


def leaks(problems: Iterable[dict[str, Any]], texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the normalised solutions and the normalised descriptions that stand in a text too."""
    parts = [fingerprints(problem) for problem in problems]
    code = set().union(*(forms for forms, _ in parts))
    words = set().union(*(forms for _, forms in parts))
    seen_code: set[str] = set()
    seen_words: set[str] = set()
    for text in texts:
        seen_code.update(code.intersection(solutions(text)))
        seen_words.update(words.intersection(descriptions(text)))
    return seen_code, seen_words
