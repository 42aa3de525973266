"""Measuring nano, with engines whose answers are known."""

from __future__ import annotations

from codealign.generate import Completion
from codealign.nano import measure
from codealign.nano.problems import read_problems
from codealign.paths import NANO_DATA
from codealign.prompts import response_prompt

PROBLEMS = read_problems(NANO_DATA / "humaneval_plus.jsonl.gz")[:4]


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
    solved = {p["prompt"].strip() + "\n": p["canonical_solution"] for p in PROBLEMS}
    engine = Scripted(lambda prompt, index: solved[prompt])
    assert measure.completion_pass(engine, PROBLEMS) == (1.0, 1.0)


def test_a_wrong_completion_fails() -> None:
    engine = Scripted(lambda prompt, index: "    return None\n")
    assert measure.completion_pass(engine, PROBLEMS) == (0.0, 0.0)


def test_base_tests_may_pass_where_plus_tests_fail() -> None:
    # right on the base inputs only: everything else raises
    problem = PROBLEMS[0]
    outputs = measure.expected_outputs(problem)
    known = [(given, out) for given, out in zip(problem["base_input"], outputs, strict=False)]
    code = f"def {problem['entry_point']}(*a):\n    return dict({[(repr(g), o) for g, o in known]})"
    assert measure.run_solutions([code + "[repr(list(a))]\n"], [problem]) == (1.0, 0.0)


def test_a_chat_answer_goes_on_inside_the_code_block() -> None:
    def reply(prompt: str, index: int) -> str:
        found = next(p for p in PROBLEMS if p["prompt"].strip() in prompt)
        assert prompt.endswith(":\n```python\n")
        return measure.full_solution(found)

    assert measure.chat_pass(Scripted(reply), PROBLEMS) == (1.0, 1.0)


def test_shares_tell_own_tests_from_the_truth() -> None:
    tasks = measure.sampled_tasks(2, seed=1)
    prompts = [response_prompt(text) for _, text in tasks]

    def reply(prompt: str, index: int) -> str:
        task = tasks[prompts.index(prompt)][0]
        if index == 0:  # right, passes its own test
            code, test = measure.inputs.reference(task), "assert True"
        elif index == 1:  # wrong, passes its own test
            code, test = f"def {task.name}(*a):\n    return {{}}\n", "assert True"
        else:  # right, fails its own test
            code, test = measure.inputs.reference(task), "assert False"
        return f"```python\n{code}```\n### Tests\n```python\n{test}\n```\n"

    shares = measure.sampling_shares(Scripted(reply), chat=False, count=2, n=3)
    # of 3 answers 2 pass their own tests, 2 are right, 1 is both; every instruction has both kinds
    assert shares == {
        "own": 2 / 3, "right": 2 / 3, "right_if_own": 0.5, "own_if_right": 0.5, "mixed": 1.0
    }  # fmt: skip
