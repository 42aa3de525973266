"""The documents nano reads: raw functions, prompts with solutions, and the pipeline's formats."""

from __future__ import annotations

import random
from collections.abc import Callable

from codealign.prompts import response_prompt, task_text, template
from nano.lab import inputs, wording
from nano.lab.answers import Wish, answer, pick, wish
from nano.lab.mistakes import plant
from nano.lab.render import function, helper_function
from nano.lab.tasks import Task, sample_task

RAW_STYLES = (
    ("steps", 0.36), ("one_line", 0.20), ("loop", 0.18), ("terse", 0.18), ("clumsy", 0.08),
)  # fmt: skip
SEED_STYLES = (("steps", 0.45), ("one_line", 0.30), ("loop", 0.25))
ASSERTED_STYLES = (
    ("steps", 0.30), ("one_line", 0.20), ("loop", 0.20), ("terse", 0.25), ("clumsy", 0.05),
)  # fmt: skip
GUARDED_SHARE = 0.08  # of functions with a docstring
OTHER_NAMES = ("solve", "process", "compute", "transform", "func", "helper", "answer")


def _name(task: Task, rng: random.Random) -> str:
    return task.name if rng.random() < 0.8 else rng.choice(OTHER_NAMES)


def _maybe_wrong(code: str, rng: random.Random, mistakes: float) -> str:
    return plant(code, rng) if rng.random() < mistakes else code


def helped_step(task: Task, rng: random.Random) -> tuple[dict[str, str], str]:
    """Return ({operation id: helper's name}, helper's code) for one step, both empty if none."""
    plain = [
        (step, before)
        for step, before in zip(task.steps, task.types, strict=False)
        if step.op.kind in ("filter", "map") and not step.k and step.op.id != "prime"
    ]
    if not plain:
        return {}, ""
    step, before = rng.choice(plain)
    name = ("is_" if step.op.kind == "filter" else "to_") + step.op.id
    return {step.op.id: name}, helper_function(step, before, name) + "\n"


def problem_doc(task: Task, rng: random.Random, name: str, shots: int) -> str:
    """Return a docstring's text: a description, then `shots` doctest examples."""
    text = wording.story(task, rng) if rng.random() < 0.06 else wording.description(task, rng)
    shown = inputs.examples(task, rng, shots) if shots else []
    return f"{text}\n\n{inputs.doctests(name, shown)}" if shown else text


def raw_function(task: Task, rng: random.Random, mistakes: float) -> str:
    """A function as it stands in a file, half of them with doctest examples (HumanEval's look)."""
    name, style = _name(task, rng), pick(RAW_STYLES, rng)
    if style == "terse" and rng.random() < 0.5:
        code = function(task, style, rng.choice([name, "f", "g", "fn"]))
        return f"# {wording.description(task, rng)}\n" + _maybe_wrong(code, rng, mistakes)
    doc = problem_doc(task, rng, name, rng.choice([0, 0, 1, 2]))
    slow = rng.random() < 0.35
    helpers, helper = helped_step(task, rng) if rng.random() < 0.08 else ({}, "")
    guarded = style not in ("terse", "clumsy") and rng.random() < GUARDED_SHARE
    code = function(task, style, name, doc, rng.random() < 0.7, slow, helpers, guarded)
    return helper + _maybe_wrong(code, rng, mistakes)


def asserted_function(task: Task, rng: random.Random, mistakes: float) -> str:
    """A docstring with asserts, then the code (MBPP's look)."""
    name = _name(task, rng)
    lines = inputs.asserts(name, inputs.examples(task, rng, rng.choice([1, 1, 2, 3])))
    style = pick(ASSERTED_STYLES, rng)
    code = _maybe_wrong(function(task, style, name, slow=rng.random() < 0.35), rng, mistakes)
    return f'"""\n{wording.request(task, rng)}\n{lines}"""\n{code}'


def instruction(task: Task, rng: random.Random, asked: Wish) -> str:
    """Return an instruction in one line: the task, sometimes the name, then the wish."""
    text = wording.request(task, rng, task.name if rng.random() < 0.5 else "")
    return task_text(text, asked.text)


def _some_wish(rng: random.Random, share: float = 0.3) -> Wish:
    return wish(rng) if rng.random() < share else Wish()


def answered(task: Task, rng: random.Random, mistakes: float) -> str:
    """An instruction with its response; a quarter of the wishes are not obeyed."""
    asked = _some_wish(rng)
    text = instruction(task, rng, asked)
    obeyed = asked if rng.random() < 0.75 else Wish()
    return response_prompt(text) + answer(task, rng, obeyed, 0.5, mistakes)


def seed_function(task: Task, rng: random.Random) -> str:
    """A documented function in good style, as the seed corpus holds it."""
    return function(task, pick(SEED_STYLES, rng), doc=wording.description(task, rng))


def snippet_concepts(task: Task, rng: random.Random, mistakes: float) -> str:
    """A snippet with its concepts."""
    prompt = template("concepts").fill(snippet=seed_function(task, rng))
    return f"{prompt}{', '.join(wording.concepts(task))}\n"


def concepts_instruction(task: Task, rng: random.Random, mistakes: float) -> str:
    """Concepts, half of the time a principle, and an instruction that follows them."""
    named = ", ".join(wording.concepts(task))
    if rng.random() < 0.5:
        prompt = template("instruction").fill(concepts=named)
        return prompt + instruction(task, rng, Wish()) + "\n"
    asked = wish(rng)
    prompt = template("instruction_principle").fill(concepts=named, principle=asked.text)
    return prompt + instruction(task, rng, asked) + "\n"


KINDS: tuple[tuple[Callable[[Task, random.Random, float], str], float], ...] = (
    (raw_function, 0.40),
    (asserted_function, 0.12),
    (answered, 0.36),
    (snippet_concepts, 0.05),
    (concepts_instruction, 0.07),
)


def document(rng: random.Random, mistakes: float) -> str:
    """Return one document of the pretraining corpus; never about a held-out composition."""
    make = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return make(sample_task(rng, held_out=False), rng, mistakes)
