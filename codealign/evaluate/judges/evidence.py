"""An answer taken apart for static analysis: code, explanation, syntax tree, lint."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property

from codealign.fences import Fenced, first_python

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Evidence:
    """What the static judge looks at.

    `code` is the first Python block (also one that the text's end cuts), or the whole text if that
    is Python; `explanation` is the text outside the fences. `fault` says why there is nothing to
    analyse ("" if there is): the answer is empty, has no code, or its code does not parse. `lint`
    is filled in for many answers at once.
    """

    instruction: str
    principle: str
    code: str
    explanation: str
    tree: ast.Module
    fault: str
    lint: dict[str, int] = field(default_factory=dict)

    @cached_property
    def functions(self) -> list[FunctionNode]:
        """All functions, methods and nested ones too, in source order."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, FunctionNode)]
        return sorted(found, key=lambda n: n.lineno)

    @cached_property
    def main(self) -> FunctionNode | None:
        """The function the answer is about: the last one at the top level, None without any."""
        found = [n for n in self.tree.body if isinstance(n, FunctionNode)]
        return found[-1] if found else None


def read(text: str, instruction: str = "", principle: str = "") -> Evidence:
    """Take an answer apart; whatever cannot be read is named in `fault`, nothing is raised."""
    answer = Fenced(text)
    fenced = first_python(answer.blocks)
    code = (fenced.code if fenced else text).removeprefix("\ufeff")  # a mark, no code
    explanation = answer.prose if fenced else ""
    tree = parse(code)
    fault = ""
    if not text.strip():
        fault = "the answer is empty"
    elif fenced is None and tree is None:
        fault, explanation = "the answer has no code", text.strip()
    elif not code.strip():
        fault = "the answer has no code"
    elif tree is None:
        fault = "the code does not parse as Python"
    return Evidence(instruction, principle, code, explanation, tree or ast.Module([], []), fault)


def parse(code: str) -> ast.Module | None:
    """Return the syntax tree, or None if the code does not parse."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
