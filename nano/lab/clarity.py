"""Whether a description can be read as another task: "the first 3 of nums in reverse order"."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from nano.lab.leakage import description
from nano.lab.ops import SOURCES
from nano.lab.tasks import Task, fits
from nano.lab.wording import noun_phrase

DRAWS = 60  # wordings of each rival; the templates of three operations have fewer


def rivals(task: Task) -> Iterator[Task]:
    """Yield the tasks that a noun phrase may be mistaken for.

    Those with two neighbouring operations in the other order, and those that take the same kind of
    value from the same place ("the multiples of 3 of n": digits or divisors).
    """
    for i in range(len(task.steps) - 1):
        steps = [*task.steps[:i], task.steps[i + 1], task.steps[i], *task.steps[i + 2 :]]
        swapped = replace(task, steps=tuple(steps))
        earlier = [step.op.id for step in steps]
        ordered = zip(steps, swapped.types, strict=False)
        if all(fits(s.op, task.source, t, earlier[:n]) for n, (s, t) in enumerate(ordered)):
            yield swapped
    for source in SOURCES.values():
        alike = (source.place, source.gives) == (task.source.place, task.source.gives)
        if alike and source.id != task.source.id:
            yield replace(task, source=source)


def is_clear(task: Task, text: str) -> bool:
    """Say whether no wording of a rival stands in a task's text."""
    stated = description(text)
    for rival in rivals(task):
        phrases = {description(noun_phrase(rival, random.Random(i))) for i in range(DRAWS)}
        if any(phrase in stated for phrase in phrases):
            return False
    return True
