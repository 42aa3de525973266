"""What the grammar is made of: types, sources and operations as typed records.

Types are one letter: L list of integers, W list of words, S string, I integer, B boolean,
D dictionary. Templates hold {x} one element, {v} the whole value, {k} a constant or parameter,
{cond} the condition of an any/all step, {np} the noun phrase so far, {N} the noun of an element,
{a} the argument's name. Alternatives are separated by "|".
"""

from __future__ import annotations

from dataclasses import dataclass

HINTS = {"L": "list[int]", "W": "list[str]", "S": "str", "I": "int", "B": "bool", "D": "dict"}
ELEMENT = {"L": "x", "W": "w", "S": "c"}
WORDS = (
    "cat dog sun moon tree apple bird fish level noon car red blue sky ant egg kayak radar stone "
    "lamp river cloud green ice Anna Bob MAX TOP pen cup map dot"
).split()
LETTERS = "abcdeglmnorst"


@dataclass(frozen=True)
class Source:
    """Where a chain starts: an argument and the sequence taken from it.

    `gives` is the type of that sequence, `code` the expression that takes it from argument {a},
    `place` completes "the numbers ...", `given` completes "Given ...".
    """

    id: str
    args: tuple[str, ...]
    hint: str
    gives: str
    code: str
    noun: str
    place: str
    given: str
    concept: str
    var: str
    weight: int


@dataclass(frozen=True)
class Op:
    """One operation of a chain.

    `kind` is filter, map, list (the whole sequence) or reduce; `takes` lists the types it applies
    to; `gives` is "=" where the type stays. `nouns` and `verbs` word it, `code` computes it,
    `slow` computes the same with a worse complexity, `needs` says which constant it takes
    ("", number, divisor or letter).
    """

    id: str
    kind: str
    takes: str
    gives: str
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    code: str
    name: str
    concept: str
    needs: str = ""
    var: str = ""
    slow: str = ""

    @property
    def judges(self) -> bool:
        """Whether the operation is an any/all step, which carries a condition of its own."""
        return "{cond}" in self.code


def result_type(op: Op, before: str) -> str:
    """Return the type after applying `op` to a value of type `before`."""
    return before if op.gives == "=" else op.gives
