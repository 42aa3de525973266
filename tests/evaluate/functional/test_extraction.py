"""What evalplus' sanitiser loses is told; the score stays evalplus'."""

from __future__ import annotations

import pytest

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.extraction import loses, written
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import extract
from codealign.evaluate.functional.results import Results
from codealign.sandbox import Sandbox

PROMPT = 'def f(n):\n    """Sum up to n."""\n'
PROBLEM = Problem("T/0", "f", PROMPT, "    return n * (n + 1) // 2\n", [[0], [4]], [[9]])
RIGHT = "def f(n):\n    return sum(range(n + 1))\n"
LOST = {
    "decorated": f"from functools import lru_cache\n@lru_cache(None)\n{RIGHT}",
    "no return": "def put(l, i):\n    l.append(i)\ndef f(n):\n    l = []\n"
    "    for i in range(n + 1):\n        put(l, i)\n    return sum(l)\n",
    "redefined": f"def f(n):\n    return 0\n{RIGHT}",
    "loop": "SUMS = [0]\nfor i in range(1, 99):\n    SUMS.append(SUMS[-1] + i)\n"
    "def f(n):\n    return SUMS[n]\n",
    "longer usage": f"{RIGHT}```\nIt can be used so:\n```python\na = 1\nb = 2\nc = a + b\n",
}
"""Each is right for 0, 4 and 9 as it stands."""


def judged(answer: str, problem: Problem = PROBLEM) -> Results:
    solutions = {"T/0": [extract(problem, answer, chat=True)]}
    with Sandbox(accept="basic") as box:
        programs = {"T/0": [written(problem, answer, chat=True)]}
        return evaluate("humaneval", solutions, {"T/0": problem}, box, programs=programs)


@pytest.mark.parametrize("kind", LOST)
def test_a_right_answer_that_the_sanitiser_loses_is_a_failure_of_its_own_kind(kind: str) -> None:
    results = judged(LOST[kind])
    assert results.failures == {"extraction": 1}
    assert [row["value"] for row in results.scores()] == [0, 0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (RIGHT, None),
        (f"{RIGHT}print(f(4))\nassert f(4) == 10\n", None),
        # Decorated and wrong: lost too, but it would not have passed.
        ("import math\ndef same(g):\n    return g\n@same\ndef f(n):\n    return n\n", "no_answer"),
        ("def f(n):\n    return n\n", "wrong"),
        ("", "no_answer"),
    ],
)
def test_other_answers_keep_their_kind(answer: str, kind: str | None) -> None:
    assert judged(answer).failures == ({kind: 1} if kind else {})


def test_a_completion_is_written_behind_its_prompt() -> None:
    program = written(PROBLEM, "\treturn n\n\nThat is it.", chat=False)
    assert program == 'def f(n):\n    """Sum up to n."""\n    return n'


def test_tests_in_an_answer_are_not_lost_by_it() -> None:
    assert not loses(f"{RIGHT}print(f(1))\nassert f(1) == 1\n'done'\n", RIGHT)
    assert loses(f"{RIGHT}f(1)\n", RIGHT)
