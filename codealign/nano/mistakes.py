"""Plausible mistakes, planted in a share of the corpus so that sampling gives failing answers."""

from __future__ import annotations

import random
import re

# what the code says -> what a careless author writes
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
CONSTANT_SHARE = 0.35
_CONSTANT = re.compile(r"(?<=[\[:< >%*+-])\d+(?=[\]: )\n])")


def _split(code: str) -> tuple[str, str]:
    """Return what must not change (imports, signature, docstring) and the body after it."""
    start = code.rfind("\ndef ") + 1
    end = code.index("\n", start) + 1
    if code[end:].lstrip().startswith('"""'):
        end = code.index("\n", code.index('"""', code.index('"""', end) + 3)) + 1
    return code[:end], code[end:]


def plant(code: str, rng: random.Random) -> str:
    """Return `code` with one mistake in the last function's body, or as it is if none applies."""
    head, body = _split(code)
    constants = list(_CONSTANT.finditer(body))
    slips = [pair for pair in SLIPS if pair[0] in body]
    if constants and (not slips or rng.random() < CONSTANT_SHARE):
        found = rng.choice(constants)
        value = max(0, int(found.group()) + rng.choice([-1, 1]))
        return head + body[: found.start()] + str(value) + body[found.end() :]
    if not slips:
        return code
    right, wrong = rng.choice(slips)
    places = [m.start() for m in re.finditer(re.escape(right), body)]
    place = rng.choice(places)
    return head + body[:place] + wrong + body[place + len(right) :]


def every(code: str) -> list[str]:
    """Return `code` with each single mistake that `plant` could make, all different."""
    head, body = _split(code)
    found = []
    for constant in _CONSTANT.finditer(body):
        for value in (max(0, int(constant.group()) - 1), int(constant.group()) + 1):
            found.append(body[: constant.start()] + str(value) + body[constant.end() :])
    for right, wrong in SLIPS:
        for place in re.finditer(re.escape(right), body):
            found.append(body[: place.start()] + wrong + body[place.end() :])
    return [head + changed for changed in dict.fromkeys(found) if changed != body]
