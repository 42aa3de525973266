"""Chat pairs for the fine-tuning: plain instructions, EvalPlus's chat prompt, pipeline steps."""

from __future__ import annotations

import random
from collections.abc import Callable

from codealign.prompts import template
from nano.lab import inputs, wording
from nano.lab.answers import GOOD_STYLES, Wish, answer, pick, wish
from nano.lab.documents import instruction, problem_doc, seed_function
from nano.lab.mistakes import plant
from nano.lab.render import docstring, function, preamble, signature
from nano.lab.tasks import Task, sample_task

# the two sentences of EvalPlus's chat prompt; {0} is "" or "efficient and " / "efficiently "
ASK = (
    "Please provide a{0} self-contained Python script that solves the following problem in a "
    "markdown code block:"
)
REPLY = (
    "Below is a Python script with a self-contained function that {0}solves the problem and "
    "passes corresponding tests:\n"
)
GOOD_SHARE, WISH_SHARE = 0.6, 0.4


def plain(task: Task, rng: random.Random, mistakes: float) -> tuple[str, str]:
    """An instruction and an answer with self-written tests; wishes are obeyed."""
    asked = wish(rng) if rng.random() < WISH_SHARE else Wish()
    return instruction(task, rng, asked), answer(task, rng, asked, GOOD_SHARE, mistakes)


def _problem_prompt(task: Task, rng: random.Random, style: str, slow: bool) -> str:
    if rng.random() < 0.4:
        lines = inputs.asserts(task.name, inputs.examples(task, rng, rng.choice([1, 1, 3])))
        return f'"""\n{wording.request(task, rng)}\n{lines}"""'
    code = function(task, style, slow=slow)
    doc = problem_doc(task, rng, task.name, rng.choice([0, 1, 2, 2]))
    head = preamble(code, slow) + signature(task, task.name, rng.random() < 0.8)
    return f"{head}\n{docstring(doc)}".strip()


def scripted(task: Task, rng: random.Random, mistakes: float) -> tuple[str, str]:
    """EvalPlus's prompt around a function head or a docstring with asserts, and a code block.

    The code has no docstring: a model this small that words the task anew solves the new wording.
    """
    fast = rng.random() < 0.25
    slow = not fast and rng.random() < 0.3
    style = pick(GOOD_STYLES, rng)
    fence = rng.choice(["```python", "```python", "```"])
    ask = ASK.format("n efficient and" if fast else "")
    prompt = f"{ask}\n{fence}\n{_problem_prompt(task, rng, style, slow)}\n```\n"
    code = function(task, style, slow=slow)
    code = plant(code, rng) if rng.random() < mistakes else code
    reply = REPLY.format("efficiently " if fast else "") if rng.random() < 0.5 else ""
    return prompt, f"{reply}```python\n{code}```\n"


def step(task: Task, rng: random.Random, mistakes: float) -> tuple[str, str]:
    """A step of the preference pipeline asked in chat: concepts of a snippet, or an instruction."""
    named = ", ".join(wording.concepts(task))
    if rng.random() < 0.4:
        return template("concepts").fill(snippet=seed_function(task, rng)), named + "\n"
    if rng.random() < 0.5:
        return template("instruction").fill(concepts=named), instruction(task, rng, Wish()) + "\n"
    asked = wish(rng)
    prompt = template("instruction_principle").fill(concepts=named, principle=asked.text)
    return prompt, instruction(task, rng, asked) + "\n"


KINDS: tuple[tuple[Callable[[Task, random.Random, float], tuple[str, str]], float], ...] = (
    (plain, 0.45),
    (scripted, 0.5),
    (step, 0.05),
)


def chat_pair(rng: random.Random, mistakes: float) -> tuple[str, str]:
    """Return a user's message and the assistant's answer; never about a held-out composition."""
    make = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return make(sample_task(rng, held_out=False), rng, mistakes)
