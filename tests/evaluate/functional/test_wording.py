"""A result in words: its closing line, and samples that can be looked at."""

from __future__ import annotations

import pytest

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.wording import failing_samples, two_samples
from codealign.sandbox import Sandbox

Problems = dict[str, Problem]


@pytest.fixture
def results(problems: Problems, sandbox: Sandbox) -> Results:
    wrong = "def double(x): return x"
    solutions = {"T/0": [wrong, wrong + "  # again", ""], "T/1": [problems["T/1"].canonical]}
    return evaluate("humaneval", solutions, problems, sandbox)


def test_one_sample_of_each_kind_has_prompt_answer_and_first_failing_test(
    results: Results, problems: Problems
) -> None:
    text = failing_samples(results, problems)
    assert [line for line in text.splitlines() if line.startswith("####")] == [
        "#### T/0, sample 3: no_answer",
        "#### T/0, sample 1: wrong",
    ]
    wrong = text[text.index("sample 1") :]
    for part in ("def double(x):", "return x", "double(1)\nbase test 1: expected 2, got 1"):
        assert part in wrong


def test_two_samples_are_one_that_passes_and_one_of_the_commonest_failure(
    results: Results, problems: Problems
) -> None:
    """T/0 has two wrong samples and an empty one, T/1 the canonical solution."""
    text = two_samples(results, problems)
    assert [line for line in text.splitlines() if line.startswith("####")] == [
        "#### T/1, sample 1: passes",
        "#### T/0, sample 1: wrong",
    ]
    assert text.count("First failing test:") == 1


def test_where_nothing_fails_it_says_so(problems: Problems, sandbox: Sandbox) -> None:
    right = {"T/1": [problems["T/1"].canonical]}
    scored = evaluate("humaneval", right, {"T/1": problems["T/1"]}, sandbox)
    assert failing_samples(scored, problems) == "humaneval: no sample fails."


def test_a_long_answer_is_cut(problems: Problems, sandbox: Sandbox) -> None:
    long = "def double(x): return x" + "  # " + "y" * 5000
    scored = evaluate("humaneval", {"T/0": [long]}, problems, sandbox)
    assert len(failing_samples(scored, problems)) < 2000
