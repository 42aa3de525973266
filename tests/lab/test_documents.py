"""Documents and chats: formats, determinism, mistakes, wishes."""

from __future__ import annotations

import random
import re

import pytest

from codealign.prefs.responses import split_response
from codealign.prompts import response_prompt, template
from nano.lab import chats, documents, inputs
from nano.lab.answers import Wish, answer, oracle_tests, self_tests, wish
from nano.lab.mistakes import plant
from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.render import function
from nano.lab.sequence_ops import OPS
from nano.lab.tasks import Step, Task, sample_task

EVEN = Task(SOURCES["list"], (Step(FILTERS["even"]), Step(MAPS["double"])), "nums")
KINDS = [kind for kind, _ in documents.KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_document_depends_on_its_seed_alone(kind) -> None:
    made = [kind(EVEN, random.Random(5), 0.1) for _ in range(2)]
    assert made[0] == made[1]


def test_raw_functions_without_mistakes_are_right() -> None:
    rng = random.Random(6)
    for _ in range(150):
        task = sample_task(rng, held_out=False)
        code = documents.raw_function(task, rng, 0.0)
        name = re.findall(r"^def (\w+)", code, re.MULTILINE)[-1]
        given = inputs.arguments(task, rng)
        assert inputs.call_code(code, name, given) == inputs.expected(task, given)


def test_asserted_functions_pass_their_asserts() -> None:
    rng = random.Random(7)
    for _ in range(100):
        text = documents.asserted_function(sample_task(rng, held_out=False), rng, 0.0)
        lines = [line for line in text.splitlines() if line.startswith("assert")]
        exec(text + "\n".join(lines), {})


def test_self_tests_pass_for_right_code() -> None:
    rng = random.Random(8)
    for _ in range(200):
        task = sample_task(rng, held_out=False)
        exec(function(task, "steps") + self_tests(task, task.name, rng), {})


def test_oracle_tests_fail_for_wrong_code() -> None:
    wrong = "def f(nums):\n    return None\n"
    with pytest.raises(AssertionError):
        exec(wrong + (oracle_tests(EVEN, "f", random.Random(0)) or ""), {})


def test_an_answer_splits_into_code_and_tests() -> None:
    code, tests = split_response(answer(EVEN, random.Random(1), Wish()))
    assert code.splitlines()[0].startswith("def doubles_even(")
    assert "assert doubles_even" in tests


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        (Wish("instruction_following", "Use a for loop.", "loop"), "    for x in nums:"),
        (
            Wish("instruction_following", "Include error handling.", "guarded"),
            "    if not isinstance(nums, list):",
        ),
        (Wish("explanation", "Explain each step."), "1. Keep only the even numbers."),
        (Wish("style", "Include a docstring and type hints."), '    """'),
        (Wish("readability", "Make the code easy to read."), "    evens = ["),
    ],
)
def test_answers_obey_wishes(asked: Wish, seen: str) -> None:
    assert all(seen in answer(EVEN, random.Random(i), asked, good=0.0) for i in range(10))


def test_a_wish_for_speed_never_gets_the_slow_algorithm() -> None:
    unique = Task(SOURCES["list"], (Step(OPS["unique"]),), "nums")
    fast = Wish("complexity", "Make it efficient.")
    assert not any("enumerate" in answer(unique, random.Random(i), fast) for i in range(20))


def test_wishes_of_a_dimension_stay_in_it() -> None:
    assert {wish(random.Random(i), "style").dimension for i in range(9)} == {"style"}


def test_responses_follow_the_pipelines_prompt() -> None:
    text = documents.answered(EVEN, random.Random(2), 0.0)
    instruction = text.split("\n")[1]
    assert text.startswith(response_prompt(instruction) + "```python\n")


def test_concepts_follow_the_pipelines_prompt() -> None:
    text = documents.snippet_concepts(EVEN, random.Random(2), 0.0)
    assert text.endswith("```\n### Concepts\nlists, even numbers, doubling\n")


def test_instructions_follow_the_pipelines_prompt() -> None:
    head = template("instruction").text.split("{")[0]
    text = documents.concepts_instruction(EVEN, random.Random(2), 0.0)
    assert text.startswith(head) and text.count("### Instruction\n") == 1


def test_a_mistake_changes_the_body_only() -> None:
    code = function(EVEN, "steps", doc="Return twice the even numbers == 0.")
    wrong = plant(code, random.Random(0))
    assert wrong != code
    assert wrong.split('"""')[:2] == code.split('"""')[:2]


def test_code_without_a_place_for_a_mistake_stays() -> None:
    code = "def f(a):\n    return a\n"
    assert plant(code, random.Random(0)) == code


def test_chat_answers_without_mistakes_are_right() -> None:
    rng = random.Random(9)
    for _ in range(100):
        task = sample_task(rng, held_out=False)
        _, reply = chats.scripted(task, rng, 0.0)
        given = inputs.arguments(task, rng)
        assert inputs.call_code(split_response(reply)[0], task.name, given) == inputs.expected(
            task, given
        )


def test_chat_prompts_are_those_of_evalplus() -> None:
    prompt, _ = chats.scripted(EVEN, random.Random(3), 0.0)
    assert prompt.startswith("Please provide a") and prompt.endswith("\n```\n")
    assert "self-contained Python script that solves the following problem" in prompt
