"""EvoEval's seven categories as documented changes of a held-out problem.

difficult: one operation more. creative: the text is a story. subtle: one constant or direction
is changed. combine: a second task works on the result of a first. tool_use: a helper function is
given and has to be used. verbose: a long text of every step, with three examples. concise: the
shortest text, without examples.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from nano.lab import wording
from nano.lab.documents import helped_step
from nano.lab.problems import Problem, completion_problem, distinct_tasks
from nano.lab.sequence_ops import OPS
from nano.lab.tasks import Step, Task, is_held_out, next_step, sample_task

LONGEST_TRAINED = 3
OPPOSITES = {
    "even": "odd", "positive": "negative", "greater": "less", "at_least": "at_most",
    "multiple": "not_multiple", "vowel": "consonant", "capital": "small", "equal": "unequal",
    "longer": "shorter", "starting": "ending", "containing": "lacking", "add": "subtract",
    "upper": "lower", "sort": "sort_down", "first": "last", "text_upper": "text_lower",
    "text_first": "text_last", "maximum": "minimum", "any": "all", "longest": "shortest",
    "join_spaces": "join_dashes",
}  # fmt: skip
OPPOSITES |= {new: old for old, new in OPPOSITES.items()}


def is_unseen(task: Task) -> bool:
    """Say whether the corpus cannot hold the composition: held out, or longer than any there."""
    return len(task.steps) > LONGEST_TRAINED or is_held_out(task)


def extended(task: Task, rng: random.Random) -> Task | None:
    """Return the task with one operation more before its last, or None if that fits nowhere."""
    at = len(task.steps) - 1
    earlier = [s.op.id for s in task.steps]
    kinds = ["list", "filter", "map"]
    step = next_step(task.source, task.types[at], earlier, kinds, rng)
    if step is None or (step.op.gives not in ("=", task.types[at])):
        return None
    longer = replace(task, steps=(*task.steps[:at], step, task.steps[at]))
    return longer if is_unseen(longer) else None


def _opposite(step: Step) -> Step | None:
    other = OPPOSITES.get(step.op.id)
    if other:
        return replace(step, op=OPS[other])
    if step.k.isdigit():
        return replace(step, k=str(int(step.k) + 1))
    return None


def altered(task: Task, rng: random.Random) -> Task | None:
    """Return the task with one direction reversed or one constant raised by one, or None."""
    places = list(range(len(task.steps)))
    rng.shuffle(places)
    for at in places:
        step = _opposite(task.steps[at])
        if step is None or any(s.op.id == step.op.id for s in task.steps[:at]):
            continue
        changed = replace(task, steps=(*task.steps[:at], step, *task.steps[at + 1 :]))
        if is_unseen(changed):
            return changed
    return None


def combined(task: Task, rng: random.Random) -> tuple[Task, str] | None:
    """Return a task followed by a second one on its result, with its two-part text, or None."""
    if task.types[-1] not in "LW":
        return None
    wanted = {"L": ("list",), "W": ("words",)}[task.types[-1]]
    second = sample_task(rng, held_out=False, depths=(0.5, 0.5), sources=wanted)
    known = {s.op.id for s in task.steps}
    if second.extra or known & {s.op.id for s in second.steps}:
        return None
    both = replace(task, steps=(*task.steps, *second.steps))
    then = wording.sequence(replace(second, arg="result"), rng).split(", ", 1)[1]
    text = f"First compute {wording.noun_phrase(task, rng)}. From these, {then}."
    return (both, text) if is_unseen(both) else None


def _difficult(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    longer = extended(task, rng)
    return completion_problem(task_id, longer, rng) if longer else None


def _creative(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    return completion_problem(task_id, task, rng, wording.story(task, rng))


def _subtle(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    changed = altered(task, rng)
    return completion_problem(task_id, changed, rng) if changed else None


def _combine(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    joined = combined(task, rng)
    return completion_problem(task_id, joined[0], rng, joined[1]) if joined else None


def _tool_use(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    helpers, helper = helped_step(task, rng)
    return (
        completion_problem(task_id, task, rng, helper=helper, helpers=helpers) if helper else None
    )


def _verbose(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    text = f"This function takes {task.source.given.format(a=task.arg).split(',')[0]}. "
    text += f"{wording.sequence(task, rng)}. In other words, it gives "
    return completion_problem(
        task_id, task, rng, f"{text}{wording.noun_phrase(task, rng)}.", shown=3
    )


def _concise(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    phrase = wording.noun_phrase(task, rng)
    return completion_problem(task_id, task, rng, f"{phrase[0].upper()}{phrase[1:]}.", shown=0)


CATEGORIES: dict[str, Callable[[str, Task, random.Random], Problem | None]] = {
    "difficult": _difficult,
    "creative": _creative,
    "subtle": _subtle,
    "combine": _combine,
    "tool_use": _tool_use,
    "verbose": _verbose,
    "concise": _concise,
}


def category_problems(category: str, rng: random.Random) -> Iterator[Problem]:
    """Yield problems of a category for ever, numbered from 0."""
    number = 0
    for task in distinct_tasks(rng):
        problem = CATEGORIES[category](f"NanoEvo/{category}/{number}", task, rng)
        if problem is not None:
            yield problem
            number += 1
