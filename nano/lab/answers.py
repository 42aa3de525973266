"""Answers to instructions: code, an explanation where asked, and self-written tests."""

from __future__ import annotations

import random
from dataclasses import dataclass

from nano.lab import inputs, wording
from nano.lab.mistakes import plant
from nano.lab.render import function, one_expression, preamble
from nano.lab.tasks import Task

# one way to say the principle -> what an answer that obeys it does
CONSTRAINTS = {
    "loop": ("Use a for loop.", "Solve it with an explicit loop."),
    "one_line": ("Use a single return expression.", "Write it as a one-liner."),
    "steps": ("Use a named variable for each step.", "Keep each step on its own line."),
    "guarded": ("Include error handling.", "Add error handling for a wrong argument."),
}
DIRECTIVES = {
    "readability": ("Make the code easy to read.", "Keep the code readable."),
    "complexity": ("Make it efficient.", "It must be fast on large inputs."),
    "style": (
        "Follow PEP 8: docstring, type hints, clear names.",
        "Include a docstring and type hints.",
    ),
    "explanation": ("Explain your solution step by step.", "Explain each step."),
}
GOOD_STYLES = (("steps", 0.55), ("loop", 0.25), ("one_line", 0.2))
POOR_STYLES = (("one_line", 0.25), ("terse", 0.5), ("clumsy", 0.25))
GUARDED_SHARE = 0.15  # of good answers, where no wish is against it
ORACLE_SHARE = 0.75


@dataclass(frozen=True)
class Wish:
    """What an instruction asks beside the task: a `dimension` and, for a constraint, a style."""

    dimension: str = ""
    text: str = ""
    style: str = ""


def pick(weighted: tuple[tuple[str, float], ...], rng: random.Random) -> str:
    """Draw a name from (name, weight) pairs."""
    return rng.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]


def wish(rng: random.Random, dimension: str = "") -> Wish:
    """Draw a wish of a dimension, or of any dimension where it is empty."""
    dimension = dimension or rng.choice(["instruction_following", *DIRECTIVES])
    if dimension != "instruction_following":
        return Wish(dimension, rng.choice(DIRECTIVES[dimension]))
    style = rng.choice(list(CONSTRAINTS))
    return Wish(dimension, rng.choice(CONSTRAINTS[style]), style)


def oracle_tests(task: Task, name: str, rng: random.Random) -> str | None:
    """Return a loop that compares the function with one expression, or None if there is none."""
    oracle = one_expression(task)
    if oracle is None:
        return None
    if task.steps[-1].op.id in ("has", "is_palindrome"):
        oracle = f"({oracle})"
    given = [inputs.arguments(task, rng, "small") for _ in range(rng.choice([3, 3, 4]))]
    names = ", ".join(param for param, _ in task.params)
    rows = [", ".join(map(inputs.literal, row)) for row in given]
    if len(task.params) > 1:
        rows = [f"({row})" for row in rows]
    test = f"for {names} in ({', '.join(rows)}):\n    assert {name}({names}) == {oracle}\n"
    return preamble(oracle) + test


def self_tests(task: Task, name: str, rng: random.Random) -> str:
    """Return tests that a small model can write: an oracle, or literals on tiny inputs."""
    if rng.random() < ORACLE_SHARE and (test := oracle_tests(task, name, rng)):
        return test
    shown = inputs.examples(task, rng, rng.choice([2, 3]), "tiny", longest=40)
    return inputs.asserts(name, shown)


def answer_code(
    task: Task, name: str, rng: random.Random, asked: Wish, good: bool, mistakes: float
) -> str:
    """Return the code of an answer.

    `good` style has hints, most often a docstring and sometimes error handling.
    """
    good = good or asked.dimension in ("readability", "style")
    guarded = asked.style == "guarded"
    if good and asked.dimension != "instruction_following":
        guarded = rng.random() < GUARDED_SHARE
    style = asked.style
    if style in ("", "guarded"):
        style = pick(GOOD_STYLES if good or guarded else POOR_STYLES, rng)
    if asked.dimension == "readability":
        style = "steps"
    documented = asked.dimension == "style" or (good and rng.random() < 0.75)
    doc = wording.description(task, rng) if documented else ""
    slow = asked.dimension != "complexity" and not asked.style and rng.random() < 0.35
    code = function(task, style, name, doc, hints=good, slow=slow, guarded=guarded)
    return plant(code, rng) if rng.random() < mistakes else code


def answer(
    task: Task,
    rng: random.Random,
    asked: Wish,
    good: float = 0.5,
    mistakes: float = 0.0,
    tests: bool = True,
    name: str = "",
) -> str:
    """Return an answer in the response format.

    Parameters
    ----------
    asked : what the instruction wishes beside the task; obeyed.
    good : probability of the good style where no wish decides it.
    mistakes : probability that the code holds a planted mistake.
    tests : whether to close with a "### Tests" block.
    """
    name = name or task.name
    style_good = rng.random() < good
    text = f"```python\n{answer_code(task, name, rng, asked, style_good, mistakes)}```\n"
    if asked.dimension == "explanation" or (style_good and rng.random() < 0.2):
        text += wording.explanation(task, rng)
    if tests:
        text += f"### Tests\n```python\n{self_tests(task, name, rng)}```\n"
    return text
