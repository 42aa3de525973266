"""Does the corpus hold a benchmark's solution or description? Compared after normalising both.

A solution is normalised to its syntax tree without docstrings, hints and guards, with names numbered
in order of appearance and with integers and one-letter strings replaced by a mark. A description is
normalised to lower case with numbers, quoted letters and the parameters' names replaced by marks.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from typing import Any

_NUMBER = re.compile(r"\b\d+\b|\"[^\"]\"")
_HEAD = re.compile(r"^def \w+\((.*?)\)", re.MULTILINE)
_CODE = re.compile(r"^(?:from \w+ import \w+\n+)?(?:def is_prime.*?\n\n)?", re.DOTALL)
_WORDING = re.compile(
    r"\b(?:return|compute|calculate and return|write a(?: python)? function|implement a function|"
    r"create a(?: python)? function)\b(?: `\w+`)?(?: that (?:returns|computes)| returning| to find| "
    r"for this task)?[ .]*"
)


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
        first = node.body[0]
        if isinstance(first, ast.If) and isinstance(first.body[0], ast.Raise):
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


def solutions(code: str) -> Iterator[str]:
    """Yield the normalised form of each function of a module, helpers for primes left out.

    Code that does not parse yields nothing.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name != "is_prime":
            yield ast.dump(_Plain(_bound(node)).visit(node), annotate_fields=False)


def _bound(function: ast.FunctionDef) -> set[str]:
    """Return the names of a function's parameters and variables."""
    found = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    return found | {node.id for node in names if isinstance(node.ctx, ast.Store)}
