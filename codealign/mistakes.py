"""Plausible mistakes in Python code, which tests should notice, and code without its wording."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# what the code says -> what a careless author writes; nano's corpus has such slips planted
SLIPS = (
    (" > ", " >= "), (" >= ", " > "), (" < ", " <= "), (" <= ", " < "), (" == 0", " == 1"),
    (" == 1", " == 0"), (" != ", " == "), ("sum(", "len("), ("max(", "min("), ("min(", "max("),
    ("sorted(", "list("), ("reverse=True", "reverse=False"), (".upper()", ".lower()"),
    (".lower()", ".upper()"), ("[::-1]", "[::2]"), ("[::2]", "[::-1]"),
    ("startswith", "endswith"), ("endswith", "startswith"), (" + ", " - "), (" - ", " + "),
    (" not in ", " in "), ("len(set(", "len(list("), ("** 2", "* 2"), ("** 3", "** 2"),
    ("* 2", "** 2"), ("isupper", "islower"), ("islower", "isupper"), ("isdigit", "isalpha"),
    ("isalpha", "isdigit"), ("any(", "all("), ("all(", "any("), ("// 2", "/ 2"),
)  # fmt: skip
# what nano's grammar never says, but other code does
FURTHER = (
    (" == ", " != "), (" and ", " or "), (" or ", " and "), (" is not ", " is "),
    ("True", "False"), ("False", "True"), (" * ", " + "), (" / ", " * "), (" % ", " // "),
    ("if not ", "if "), (" += ", " -= "), (" -= ", " += "), ("continue", "break"),
    ("break", "continue"), ("append(", "extend("), ("strip(", "lstrip("),
)  # fmt: skip
CONSTANT = re.compile(r"(?<=[\[:< >%*+-])\d+(?=[\]: )\n])")


def changes(text: str, slips: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield the text with one constant or one slip changed."""
    for constant in CONSTANT.finditer(text):
        for value in (max(0, int(constant.group()) - 1), int(constant.group()) + 1):
            yield text[: constant.start()] + str(value) + text[constant.end() :]
    for right, wrong in slips:
        for place in re.finditer(re.escape(right), text):
            yield text[: place.start()] + wrong + text[place.end() :]


def mutants(code: str) -> list[str]:
    """Return `code` with each single mistake in its functions' bodies, all different programs.

    Docstrings and comments are left out, and what does not parse or says the same.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        The code does not parse.
    """
    lines = ast.unparse(_bare(code)).split("\n")  # in one spelling, which the slips are made for
    known = {"\n".join(lines)}
    programs = []
    for number, line in enumerate(lines):
        if not line.startswith(" ") or line.lstrip().startswith(("def ", "async def ", "class ")):
            continue
        for changed in changes(line + "\n", SLIPS + FURTHER):
            text = "\n".join([*lines[:number], changed[:-1], *lines[number + 1 :]])
            if text not in known and _parses(text):
                known.add(text)
                programs.append(text)
    return programs


def stub(code: str) -> str:
    """Return `code` with every function emptied: whatever it is given, it returns None.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        The code does not parse.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def plainly(code: str) -> str:
    """Return `code` without docstrings, comments and layout, as it is if it does not parse."""
    try:
        return ast.unparse(_bare(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code


def _bare(code: str) -> ast.Module:
    """Return the syntax tree of `code` without docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
