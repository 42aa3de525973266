"""Mistakes planted in nano's corpus, and all of them in a solution, for the mutation score.

One slip in the body of the last function; the kinds are those of `codealign.mistakes`.
"""

from __future__ import annotations

import random
import re

from codealign.mistakes import CONSTANT, SLIPS, changes

CONSTANT_SHARE = 0.35


def split_body(code: str) -> tuple[str, str]:
    """Return what must not change (imports, signature, docstring) and the body after it."""
    start = code.rfind("\ndef ") + 1
    end = code.index("\n", start) + 1
    if code[end:].lstrip().startswith('"""'):
        end = code.index("\n", code.index('"""', code.index('"""', end) + 3)) + 1
    return code[:end], code[end:]


def plant(code: str, rng: random.Random) -> str:
    """Return `code` with one mistake in the last function's body, or as it is if none applies."""
    head, body = split_body(code)
    constants = list(CONSTANT.finditer(body))
    slips = [pair for pair in SLIPS if pair[0] in body]
    if constants and (not slips or rng.random() < CONSTANT_SHARE):
        number = rng.choice(constants)
        value = max(0, int(number.group()) + rng.choice([-1, 1]))
        return head + body[: number.start()] + str(value) + body[number.end() :]
    if not slips:
        return code
    right, wrong = rng.choice(slips)
    places = [m.start() for m in re.finditer(re.escape(right), body)]
    place = rng.choice(places)
    return head + body[:place] + wrong + body[place + len(right) :]


def every(code: str) -> list[str]:
    """Return `code` with each single mistake that `plant` could make, all different."""
    head, body = split_body(code)
    bodies = dict.fromkeys(changes(body, SLIPS))
    return [head + changed for changed in bodies if changed != body]
