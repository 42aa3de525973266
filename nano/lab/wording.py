"""Tasks in words: noun phrases, step-by-step sentences, docstrings, instructions, concepts."""

from __future__ import annotations

import random

from nano.lab.tasks import Step, Task

_SINGULAR = (("are ", "is "), ("exceed ", "exceeds "), ("end in", "ends in"))
_STORIES = (
    "Mia keeps {given}. At the end of the day she needs {np}.",
    "A small museum stores {given}. For its guide it wants {np}.",
    "The old robot receives {given}. It answers with {np}.",
    "In a village game, players get {given}. The winner is who first finds {np}.",
)


def singular(phrase: str) -> str:
    """Return "is even" for "are even"."""
    for plural, single in _SINGULAR:
        if phrase.startswith(plural):
            return single + phrase[len(plural) :]
    return phrase


def _words(step: Step, templates: tuple[str, ...], rng: random.Random | None, **more: str) -> str:
    """Fill one template of a step: a random one, or the first where `rng` is None."""
    choose = rng.choice if rng else lambda options: options[0]
    that = ""
    if step.condition:
        that = choose(step.condition.op.verbs).format(k=step.condition.k)
    return choose(templates).format(k=step.k, that=that, that1=singular(that), **more)


def _filter_noun(task: Task, index: int, phrase: str, rng: random.Random) -> str:
    step, source = task.steps[index], task.source
    if index > 0:
        noun = "values" if step.op.takes == "L" else "words"
        return f"the {_words(step, step.op.nouns, rng, N=noun)} among {phrase}"
    place = source.place.format(a=task.arg)
    if rng.random() < 0.75 or step.op.takes == "S":
        return f"the {_words(step, step.op.nouns, rng, N=source.noun)} {place}"
    return f"the {source.noun} {place} that {_words(step, step.op.verbs, rng)}"


def noun_phrase(task: Task, rng: random.Random) -> str:
    """Return what the function computes, as in "the sum of the even numbers in nums"."""
    phrase = f"the {task.source.noun} {task.source.place.format(a=task.arg)}"
    if task.source.id in ("list", "words") and rng.random() < 0.3:
        phrase = rng.choice([task.arg, f"the list {task.arg}"])
    for index, step in enumerate(task.steps):
        if step.op.kind == "filter":
            phrase = _filter_noun(task, index, phrase, rng)
        else:
            phrase = _words(step, step.op.nouns, rng, np=phrase)
    return phrase


def step_phrases(task: Task, rng: random.Random | None) -> list[str]:
    """Return one imperative phrase per step; the plainest wording where `rng` is None."""
    phrases = []
    for index, step in enumerate(task.steps):
        if step.op.kind != "filter":
            phrases.append(_words(step, step.op.verbs, rng))
            continue
        later = "values" if step.op.takes == "L" else "words"
        noun = _words(step, step.op.nouns, rng, N=later if index else task.source.noun)
        forms = ["keep only the {noun}", "select the {noun}", "keep the ones that {that}"]
        form = rng.choice(forms) if rng else forms[0]
        phrases.append(form.format(noun=noun, that=_words(step, step.op.verbs, rng)))
    return phrases


def sequence(task: Task, rng: random.Random) -> str:
    """Return the task step by step, as in "Given a list nums, sort them and return the result"."""
    phrases = step_phrases(task, rng)
    if not (task.steps[-1].op.kind == "reduce" and "return" in phrases[-1]):
        results = ["return the result"]
        if task.types[-1] in "LW":
            results.append("return the resulting list")
        phrases.append(rng.choice(results))
    given = "Given " + task.source.given.format(a=task.arg)
    if len(phrases) == 1:
        return f"{given}, {phrases[0]}"
    if rng.random() < 0.5:
        return f"{given}, {', '.join(phrases[:-1])} and {phrases[-1]}"
    text = f"{given}, {phrases[0]}"
    for phrase in phrases[1:-1]:
        text += f". {rng.choice(['Then', 'Next,', 'After that,'])} {phrase}"
    return f"{text}. Finally, {phrases[-1]}"


def story(task: Task, rng: random.Random) -> str:
    """Return the task as a short story, as the creative benchmark words it."""
    given = task.source.given.format(a=task.arg).split(",")[0]
    return rng.choice(_STORIES).format(given=given, np=noun_phrase(task, rng))


def description(task: Task, rng: random.Random) -> str:
    """Return a docstring's sentence or sentences: a noun phrase, or steps one time in three."""
    if rng.random() < 1 / 3:
        return sequence(task, rng) + "."
    form = rng.choice(["Return {}.", "Return {}.", "Compute {}.", "Calculate and return {}."])
    return form.format(noun_phrase(task, rng))


def request(task: Task, rng: random.Random, name: str = "") -> str:
    """Return an instruction to write the function; `name` stands in it where it is not empty."""
    f = f" `{name}`" if name else ""
    if rng.random() < 0.5:
        forms = [
            "Write a Python function{f} that returns {x}.",
            "Write a function{f} that computes {x}.",
            "Implement a function{f} returning {x}.",
            "Create a Python function{f} to find {x}.",
        ]
        return rng.choice(forms).format(f=f, x=noun_phrase(task, rng))
    forms = [
        "Write a Python function{f}. {x}.",
        "Implement a function{f}. {x}.",
        "Create a function{f} for this task. {x}.",
    ]
    return rng.choice(forms).format(f=f, x=sequence(task, rng))


def concepts(task: Task) -> list[str]:
    """Return the programming concepts of a task: its source's, then each operation's."""
    named = [task.source.concept]
    for step in task.steps:
        named.append(step.op.concept)
        if step.condition:
            named.append(step.condition.op.concept)
    return named


def explanation(task: Task, rng: random.Random) -> str:
    """Return a numbered explanation, one line per step."""
    lines = [rng.choice(["The function works in steps:", "How it works:"])]
    for number, phrase in enumerate(step_phrases(task, None), 1):
        lines.append(f"{number}. {phrase[0].upper()}{phrase[1:]}.")
    return "\n".join(lines) + "\n"
