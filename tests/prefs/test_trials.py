"""Every response's tests on every response, and the rule that goes by them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from codealign.params import Pairing
from codealign.prefs.outcomes import Labelled
from codealign.prefs.rules import make_pairs
from codealign.prefs.trials import Tried, run_trials
from codealign.records import Instruction, Pair, Response, Trial, read_jsonl
from codealign.sandbox import Sandbox

ADDS, SAME, WRONG = ("def f(x):\n    return x + 1\n", "def g(y):\n    return 1 + y\n",
    "def f(x):\n    return x - 1\n")  # fmt: skip
GIVEN = {
    "adds": (ADDS, "assert f(1) == 2\n"),
    "same": (SAME, "assert g(2) == 3\n"),  # by another name
    "wrong": (WRONG, "assert f(1) == 0\n"),
    "trivial": (ADDS, "assert callable(f)\n"),  # a stub passes it too
    "no tests": (WRONG, "print(f(1))\n"),
    "no code": ("", "assert f(1) == 2\n"),
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, str]], Tried]:
    path: Path = tmp_path_factory.mktemp("trials") / "trials.jsonl"
    given = [Response(n, "i", k, n, c, t, "stop") for k, (n, (c, t)) in enumerate(GIVEN.items())]
    with Sandbox(accept="basic", preload=()) as box:
        took = run_trials(lambda: iter(given), box, path, 5.0)
        assert run_trials(lambda: iter(given), box, path, 5.0) == took  # read, not run
    return {t.id: t.verdicts for t in read_jsonl(path, Trial)}, took


def test_each_code_meets_each_test_that_a_stub_fails(tried) -> None:
    good = {"adds": "pass", "same": "pass", "wrong": "fail"}
    bad = {"adds": "fail", "same": "fail", "wrong": "pass"}
    assert tried[0] == {
        "adds": good, "same": good, "wrong": bad, "trivial": good, "no tests": bad
    }  # fmt: skip


def test_equal_code_and_equal_tests_run_once(tried) -> None:
    # three different codes and a stub, on four different tests; five responses have code
    assert (tried[1].responses, tried[1].executions) == (5, 16)


def test_what_other_settings_leave_out_loses_its_trial(tmp_path: Path) -> None:
    """A pair without the tests can hold what was cut among them, or has none; one with them not."""
    fenced = "```python\n{}```\n### Tests\n".format
    given = [
        Response("whole", "i", 0, fenced(ADDS), ADDS, "assert f(1) == 2\n", "stop"),
        Response("bare", "i", 1, fenced(WRONG), WRONG, "", "stop"),
        Response("cut", "i", 2, fenced(WRONG), WRONG, "assert f(1) == 0\n", "length"),
    ]
    path, tried = tmp_path / "trials.jsonl", []
    with Sandbox(accept="basic", preload=()) as box:
        for keep_tests in (False, True):
            run_trials(lambda: iter(given), box, path, 5.0, keep_tests)
            tried.append([t.id for t in read_jsonl(path, Trial)])
    assert tried == [["whole", "bare", "cut"], ["whole"]]


def outcome(**trials: str) -> Labelled:
    """A response for each name, passing (+) or failing (-) tests 0, 1, …"""
    answers = [Response(n, "i", k, n, n, "t", "stop") for k, n in enumerate(trials)]
    verdicts = {
        name: {str(k): "pass" if sign == "+" else "fail" for k, sign in enumerate(signs)}
        for name, signs in trials.items()
    }
    return Labelled(Instruction("i", "s", "Add."), answers, trials=verdicts)


def drawn(labelled: Labelled) -> tuple[list[Pair], dict[str, int]]:
    counts: Counter[str] = Counter()
    return list(make_pairs([labelled], Pairing(rule="agreement"), 0, counts)), dict(counts)


def test_the_chosen_is_of_the_largest_set_and_the_rejected_fails_its_tests() -> None:
    # a and b agree on two tests (2 x 2 = 4), c passes another one (1), d none
    (pair,), _ = drawn(outcome(a="++-", b="++-", c="--+", d="---"))
    assert pair.chosen_id in "ab" and pair.rejected_id in "cd"


def test_one_response_alone_agrees_with_nobody() -> None:
    # a passes two tests by itself (1 x 2), b and c agree on none
    assert drawn(outcome(a="++", b="--", c="--"))[1] == {"without a largest set that agrees": 1}


def test_two_sets_of_one_size_decide_nothing() -> None:
    labelled = outcome(a="+-", b="+-", c="-+", d="-+")
    assert drawn(labelled)[1] == {"without a largest set that agrees": 1}


def test_where_all_agree_there_is_nothing_to_reject() -> None:
    assert drawn(outcome(a="+", b="+"))[1] == {"without a response outside the largest set": 1}


def test_who_passes_all_tests_of_the_set_and_more_is_not_rejected() -> None:
    # a, b, c: 3 x 1; d passes the set's test and another: 1 x 2
    assert drawn(outcome(a="+-", b="+-", c="+-", d="++"))[0] == []
