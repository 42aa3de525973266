"""Measuring nano, with engines whose answers are known."""

from __future__ import annotations

from codealign.evaluate.functional.registry import load
from codealign.generate import Completion
from codealign.prefs.pool import known_tasks, pool_functions
from codealign.prompts import response_prompt
from nano.lab.measure import SEED, pass_shares, sampling_shares
from nano.lab.room import GREEDY, room

PROBLEMS = load("humaneval", "nano", limit=4).values()


class Scripted:
    """An engine that answers a prompt with what `reply(prompt, index)` says."""

    def __init__(self, reply) -> None:
        self.reply = reply

    def chat(self, content: str) -> str:
        return content

    def complete(self, jobs, settings, stop):
        for job in jobs:
            yield Completion(job.id, job.index, self.reply(job.prompt, job.index), "stop")


def test_canonical_solutions_pass() -> None:
    solved = {p.prompt.strip() + "\n": p.canonical_solution for p in PROBLEMS}
    engine = Scripted(lambda prompt, index: solved[prompt])
    assert pass_shares(engine, "humaneval", chat=False, limit=4) == {"base": 1.0, "plus": 1.0}


def test_a_wrong_completion_fails() -> None:
    engine = Scripted(lambda prompt, index: "    return None\n")
    assert pass_shares(engine, "humaneval", chat=False, limit=4) == {"base": 0.0, "plus": 0.0}


def test_a_chat_answer_goes_on_inside_the_code_block() -> None:
    def reply(prompt: str, index: int) -> str:
        found = next(p for p in PROBLEMS if p.prompt.strip() in prompt)
        assert prompt.endswith(":\n```python\n")
        return found.prompt + found.canonical_solution

    found = pass_shares(Scripted(reply), "humaneval", chat=True, limit=4)
    assert found == {"base": 1.0, "plus": 1.0}


def test_shares_tell_own_tests_from_the_hidden_ones() -> None:
    code = {one.name: one.code for one in pool_functions(SEED, 4)}
    names = {response_prompt(one.text): one.name for one in known_tasks(SEED, 4)}

    def reply(prompt: str, index: int) -> str:
        name = names[prompt]
        if index == 0:  # right, passes its own test
            solution, test = code[name], f"assert {name}"
        elif index == 1:  # wrong, passes its own test
            solution, test = f"def {name}(*a):\n    return {{}}\n", f"assert {name}"
        else:  # right, fails its own test
            solution, test = code[name], f"assert not {name}"
        return f"```python\n{solution}```\n### Tests\n```python\n{test}\n```\n"

    shares = sampling_shares(Scripted(reply), chat=False, count=4, n=3)
    # of 3 answers 2 pass their own tests, 2 are right, 1 is both; every instruction has both kinds
    assert shares == {
        "own": 2 / 3, "right": 2 / 3, "right_if_own": 0.5, "own_if_right": 0.5, "mixed": 1.0
    }  # fmt: skip


def test_a_pair_is_held_against_what_the_model_answers_most_likely() -> None:
    """Of the tasks one is always right, two in samples only (one of them with no wrong one)."""
    code = {one.name: one.code for one in pool_functions(SEED, 8)}
    names = {response_prompt(one.text): one.name for one in known_tasks(SEED, 8)}
    kinds = dict(zip(sorted(names.values()), ("always", "mixed", "sampled", "never"), strict=False))

    class Sampled(Scripted):
        def complete(self, jobs, settings, stop):
            self.greedy = settings.temperature == GREEDY.temperature
            yield from super().complete(jobs, settings, stop)

    def reply(prompt: str, index: int) -> str:
        name = names[prompt]
        kind = kinds.get(name, "never")
        right = (
            kind == "always"
            or not engine.greedy
            and (kind == "sampled" or kind == "mixed" and index == 0)
        )
        solution = code[name] if right else f"def {name}(*a):\n    return {{}}\n"
        return f"```python\n{solution}```\n### Tests\n```python\nassert {name}\n```\n"

    engine = Sampled(reply)
    counts = room(engine, chat=False, count=8, n=3, seed=SEED)
    assert counts == {
        "instructions": len(names),
        "with a pair": 1,
        "of these right when greedy": 0,
        "wrong when greedy": len(names) - 1,
        "of these with a right sample": 2,
    }
