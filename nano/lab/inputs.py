"""Arguments for tasks, reference results, and examples in source form."""

from __future__ import annotations

import copy
import random
from functools import lru_cache
from typing import Any

from nano.lab.render import function
from nano.lab.tasks import Task
from nano.lab.vocabulary import LETTERS, WORDS

SIZES = ("tiny", "small", "large", "huge")
Example = tuple[list[Any], Any]
_LENGTHS = {"tiny": (1, 1, 2), "small": (3, 4, 4, 5), "large": (0, 1, 2, 6, 9, 14), "huge": (3000,)}
_SIGNED = {"negative", "positive", "nonzero", "absolute"}
_REPEATS = {"unique", "count_distinct", "frequency"}


@lru_cache(maxsize=4096)
def _compiled(code: str, name: str) -> Any:
    scope: dict[str, Any] = {}
    exec(code, scope)  # our own reference code
    return scope[name]


def reference(task: Task) -> str:
    """Return the reference solution (named steps, fast algorithm)."""
    return function(task, "steps")


def call_code(code: str, name: str, arguments: list[Any]) -> Any:
    """Run a function of our own code on a copy of `arguments` and return its result."""
    return _compiled(code, name)(*copy.deepcopy(arguments))


def expected(task: Task, arguments: list[Any]) -> Any:
    """Return what the reference solution returns for `arguments`."""
    return call_code(reference(task), task.name, arguments)


def _op_ids(task: Task) -> set[str]:
    conditions = {s.condition.op.id for s in task.steps if s.condition}
    return {s.op.id for s in task.steps} | conditions


def _integers(task: Task, rng: random.Random, size: str) -> list[int]:
    low, high = {"large": (-30, 60), "huge": (-5000, 5000)}.get(size, (0, 10))
    ids = _op_ids(task)
    if size in ("tiny", "small") and (ids & _SIGNED or rng.random() < 0.25):
        low = -6
    numbers = [rng.randint(low, high) for _ in range(rng.choice(_LENGTHS[size]))]
    if ids & _REPEATS and 2 < len(numbers) < 100:
        numbers[-1] = numbers[0]
    return numbers


def _word_list(rng: random.Random, size: str) -> list[str]:
    count = rng.choice({"small": (2, 3, 3, 4), "large": (0, 1, 5, 8)}.get(size, _LENGTHS[size]))
    if size == "huge":
        return ["".join(rng.choices(LETTERS, k=rng.randint(3, 9))) for _ in range(count)]
    return [rng.choice(WORDS) for _ in range(count)]


def _text(rng: random.Random, size: str) -> str:
    if size == "tiny":
        return rng.choice(WORDS)[:3]
    if size == "small":
        middle = rng.choice(["", " ", "", str(rng.randint(1, 99))])
        return rng.choice(WORDS) + middle + rng.choice([*WORDS, "A", "B1"])
    length = 20000 if size == "huge" else rng.choice((0, 1, 8, 17, 25))
    return "".join(rng.choices("abcdeABCxyz 0123", k=length))


def _dictionary(rng: random.Random, size: str) -> dict[str, int]:
    keys = list(dict.fromkeys(_word_list(rng, size)))
    low, high = {"large": (-20, 50), "huge": (-5000, 5000)}.get(size, (0, 10))
    return {key: rng.randint(low, high) for key in keys}


_INTEGERS = {
    "range": {"tiny": (1, 3), "small": (4, 9), "large": (1, 30), "huge": (1500, 2000)},
    "divisors": {"tiny": (2, 5), "small": (6, 12), "large": (1, 97), "huge": (50000, 60000)},
    "digits": {"tiny": (1, 99), "small": (100, 9999), "large": (7, 10**7),
               "huge": (10**900, 10**901)},
}  # fmt: skip


def _main_argument(task: Task, rng: random.Random, size: str) -> Any:
    source = task.source.id
    if source == "list":
        return _integers(task, rng, size)
    if source in _INTEGERS:
        return rng.randint(*_INTEGERS[source][size])
    if source.startswith("dict"):
        return _dictionary(rng, size)
    if source == "string":
        return _text(rng, size)
    words = _word_list(rng, size)
    return words if source == "words" else " ".join(words)


def arguments(task: Task, rng: random.Random, size: str = "small") -> list[Any]:
    """Return random arguments of plain JSON types; `size` is one of SIZES."""
    extra = [rng.randint(1, 6) if hint == "int" else rng.choice(LETTERS) for _, hint in task.extra]
    return [_main_argument(task, rng, size), *extra]


def examples(
    task: Task, rng: random.Random, count: int, size: str = "small", longest: int = 80
) -> list[Example]:
    """Return up to `count` different (arguments, result) examples, empty results being rare.

    Examples whose result is longer than `longest` characters are left out.
    """
    different: dict[str, Example] = {}
    for _ in range(12 * count):
        given = arguments(task, rng, size)
        result = expected(task, given)
        if len(repr(result)) > longest:
            continue
        if size == "small" and not result and result is not False and rng.random() < 0.8:
            continue
        different.setdefault(repr(given), (given, result))
        if len(different) == count:
            break
    return list(different.values())


def literal(value: Any) -> str:
    """Return a value of plain types as source code, strings in double quotes."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    return repr(value)


def call_text(name: str, given: list[Any]) -> str:
    """Return a call as source code."""
    return f"{name}({', '.join(map(literal, given))})"


def asserts(name: str, shown: list[Example]) -> str:
    """Return one assert line per example."""
    return "".join(f"assert {call_text(name, a)} == {literal(r)}\n" for a, r in shown)


def doctests(name: str, shown: list[Example]) -> str:
    """Return examples as they stand in a docstring, indented by four."""
    lines = (f"    >>> {call_text(name, a)}\n    {literal(r)}" for a, r in shown)
    return "\n".join(lines)
