"""Tasks: a source and a typed chain of operations, sampled from a seed; some are held out.

A task of two or more operations is held out when the hash of its skeleton says so, about one
skeleton in eight. The skeleton is the task's code, names and constants aside, so that tasks whose
solutions look alike (sorted numbers and sorted words, even and odd ones) are on the same side.
Benchmarks use held-out tasks only; the corpus and the seed functions never do.
"""

from __future__ import annotations

import builtins
import hashlib
import keyword
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from nano.lab.ops import FILTERS, SOURCES
from nano.lab.sequence_ops import OPS
from nano.lab.vocabulary import LETTERS, Op, Source, result_type

HOLD_OUT_SALT, HOLD_OUT_ONE_IN = "held-out/2", 8
_CONSTANT = re.compile(r'\d+|"[^"]"|\{k\}')
DEPTHS = (0.25, 0.45, 0.30)
NUMBERS, DIVISORS = (1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10), (2, 3, 3, 4, 5, 6, 7)
LIMITS = ("greater", "less", "at_least", "at_most", "longer", "shorter", "cap")
PARAMETER_SHARE = 0.22
TAKEN = {*keyword.kwlist, *dir(builtins), "accumulate", "prod", "is_prime", "n"} | {
    arg for source in SOURCES.values() for arg in source.args
}


@dataclass(frozen=True)
class Step:
    """One operation with its constant or parameter `k` and, for any/all, its condition."""

    op: Op
    k: str = ""
    condition: Step | None = None


@dataclass(frozen=True)
class Task:
    """A function to write: `arg` feeds the source, `extra` are further (name, type) parameters."""

    source: Source
    steps: tuple[Step, ...]
    arg: str
    extra: tuple[tuple[str, str], ...] = ()

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The type before each step, then the type of the result."""
        types = [self.source.gives]
        for step in self.steps:
            types.append(result_type(step.op, types[-1]))
        return tuple(types)

    @property
    def chain(self) -> str:
        """The composition, without constants and names."""
        parts = [s.op.id + (f":{s.condition.op.id}" if s.condition else "") for s in self.steps]
        return ">".join([self.source.id, *parts])

    @property
    def skeleton(self) -> str:
        """The code of the source and of each step, names and constants aside: what is held out."""
        parts = [self.source.code]
        for step in self.steps:
            inner = f" where {step.condition.op.code}" if step.condition else ""
            parts.append(f"{step.op.code}{inner}")
        return _CONSTANT.sub("{k}", " > ".join(parts))

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """All parameters as (name, type hint)."""
        return ((self.arg, self.source.hint), *self.extra)

    @property
    def name(self) -> str:
        """The function's name, made from its operations, last first."""
        parts = [s.op.name for s in reversed(self.steps)]
        parts[1:1] = [s.condition.op.name for s in self.steps if s.condition]
        if self.source.id in ("digits", "divisors"):
            parts.append(self.source.id)
        elif self.source.id in ("words", "sentence"):
            parts.append("words")
        name = "_".join(parts)
        return f"get_{name}" if name in TAKEN else name


def is_held_out(task: Task) -> bool:
    """Say whether a task is kept for benchmarks (never one of a single operation)."""
    if len(task.steps) < 2:
        return False
    digest = hashlib.sha256((HOLD_OUT_SALT + task.skeleton).encode()).digest()
    return int.from_bytes(digest[:8], "big") % HOLD_OUT_ONE_IN == 0


def of_chain(chain: str) -> Task:
    """Return the task of a composition, without its constants."""
    source, *names = chain.split(">")
    steps = []
    for name in names:
        op, _, inner = name.partition(":")
        steps.append(Step(OPS[op], condition=Step(FILTERS[inner]) if inner else None))
    return Task(SOURCES[source], tuple(steps), SOURCES[source].args[0])


def constant(needs: str, rng: random.Random) -> str:
    """Return the source text of a random constant of a kind (number, divisor or letter)."""
    if needs == "letter":
        return f'"{rng.choice(LETTERS)}"'
    return str(rng.choice(DIVISORS if needs == "divisor" else NUMBERS))


def _kinds(before: str, previous: str, last: bool, depth: int) -> list[str]:
    """Weigh the kinds of operation that may come next; no two filters or two maps in a row."""
    kinds = ["list"] * 3
    if before in "LSW" and previous != "filter":
        kinds += ["filter"] * 4
    if before in "LW" and previous != "map":
        kinds += ["map"] * 3
    if last:
        kinds += ["reduce"] * (max(4, len(kinds)) if depth > 1 else 4)
    return kinds


# operations that say nothing on values of this kind (divisors are sorted, digits not negative)
_EMPTY_ON = {
    "digits": {"negative", "positive", "nonzero", "absolute"},
    "range": {"negative", "positive", "nonzero", "absolute", "unique", "count_distinct",
              "frequency", "sort", "running"},
    "divisors": {"negative", "positive", "nonzero", "absolute", "unique", "count_distinct",
                 "frequency", "sort", "running"},
    "dict_keys": {"unique", "count_distinct", "frequency"},
}  # fmt: skip


def fits(op: Op, source: Source, before: str, earlier: list[str]) -> bool:
    """Say whether `op` makes a sensible next step after the operations `earlier`."""
    if before not in op.takes or op.id in earlier or op.id in _EMPTY_ON.get(source.id, ()):
        return False
    if op.id == "integers":
        return "digit" in earlier and "text_dash" not in earlier
    if op.id == "initials":
        return "prefix" not in earlier
    if op.id in ("running", "product"):
        return "cube" not in earlier
    return not (op.id == "prime" and any(OPS[e].kind == "map" for e in earlier))


def compositions(depth: int = len(DEPTHS)) -> Iterator[Task]:
    """Yield every composition of up to `depth` operations that can be sampled, without constants.

    An any or all step comes once, whatever its condition.
    """
    todo = [Task(source, (), source.args[0]) for source in SOURCES.values()]
    while todo:
        task = todo.pop()
        earlier = [step.op.id for step in task.steps]
        previous = task.steps[-1].op.kind if task.steps else ""
        kinds = set(_kinds(task.types[-1], previous, True, depth))
        for op in OPS.values():
            if op.kind in kinds and fits(op, task.source, task.types[-1], earlier):
                longer = replace(task, steps=(*task.steps, Step(op)))
                yield longer
                if op.kind != "reduce" and len(longer.steps) < depth:
                    todo.append(longer)


def next_step(
    source: Source, before: str, earlier: list[str], kinds: list[str], rng: random.Random
) -> Step | None:
    """Sample a step of one of `kinds` with a literal constant, or None where none fits."""
    kind = rng.choice(kinds)
    fitting = [o for o in OPS.values() if o.kind == kind and fits(o, source, before, earlier)]
    if not fitting:
        return None
    op = rng.choice(fitting)
    condition = None
    if op.judges:
        inner = rng.choice([f for f in FILTERS.values() if f.takes == "L" and f.id != "prime"])
        condition = Step(inner, constant(inner.needs, rng) if inner.needs else "")
    return Step(op, constant(op.needs, rng) if op.needs else "", condition)


def _with_parameter(task: Task, rng: random.Random) -> Task:
    """Turn the first constant into a parameter of the function, sometimes."""
    for i, step in enumerate(task.steps):
        if step.k and task.source.id in ("list", "string", "words"):
            if rng.random() >= PARAMETER_SHARE:
                return task
            name, hint = "k", "int"
            if step.op.needs == "letter":
                name, hint = "letter" if step.op.id != "append" else "suffix", "str"
            elif step.op.id in LIMITS:
                name = rng.choice(["k", "limit"])
            steps = (*task.steps[:i], replace(step, k=name), *task.steps[i + 1 :])
            return replace(task, steps=steps, extra=((name, hint),))
    return task


def _sample(rng: random.Random, depths: tuple[float, ...], sources: tuple[str, ...]) -> Task | None:
    weights = [SOURCES[s].weight for s in sources]
    source = SOURCES[rng.choices(sources, weights)[0]]
    depth = rng.choices(range(1, len(depths) + 1), depths)[0]
    steps: list[Step] = []
    before = source.gives
    for i in range(depth):
        previous = steps[-1].op.kind if steps else ""
        kinds = _kinds(before, previous, i == depth - 1, depth)
        step = next_step(source, before, [s.op.id for s in steps], kinds, rng)
        if step is None:
            return None
        steps.append(step)
        before = result_type(step.op, before)
    return _with_parameter(Task(source, tuple(steps), rng.choice(source.args)), rng)


def sample_task(
    rng: random.Random,
    held_out: bool,
    depths: tuple[float, ...] = DEPTHS,
    sources: tuple[str, ...] = tuple(SOURCES),
) -> Task:
    """Sample a task.

    Parameters
    ----------
    rng : where randomness comes from.
    held_out : True for compositions kept for benchmarks, False for the others.
    depths : weights of 1, 2, 3, ... operations.
    sources : ids of the allowed sources.
    """
    while True:
        task = _sample(rng, depths, sources)
        if task is not None and is_held_out(task) == held_out:
            return task
