"""Whether tests that passed can fail, with the real sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.params import Checks
from codealign.prefs.checks import NOTICE_NONE, REAL, RESTATE, check
from codealign.records import Check, Response, read_jsonl
from codealign.sandbox import Sandbox

CODE = "def f(x):\n    return x * 3 + 1\n"
TESTS = {
    "values": ("assert f(1) == 4\nassert f(2) == 7\n", REAL),
    "another expression": ("for y in (1, 2):\n    assert f(y) == sum([y, y, y, 1])\n", REAL),
    "own expression": ("for y in (1, 2):\n    assert f(y) == y * 3 + 1\n", RESTATE),
    "type alone": ("assert isinstance(f(1), int)\n", NOTICE_NONE),  # no mutant returns another
    "no error": ("f(1)\nassert callable(f)\n", NOTICE_NONE),
    "own expression, and nothing else of worth": (
        "for y in (1, 2):\n    assert f(y) == y * 3 + 1\nassert callable(f)\n",
        NOTICE_NONE,
    ),
    "independent ones that never ran": (
        "assert f(5) == 5 * 3 + 1\nfor y in []:\n    assert f(y) == 4\n",
        NOTICE_NONE,
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    path: Path = tmp_path_factory.mktemp("checks") / "checks.jsonl"
    given = [Response(n, "i", 0, "", CODE, t, "stop") for n, (t, _) in TESTS.items()]
    with Sandbox(accept="basic", preload=()) as box:
        check(lambda: iter(given), box, path, Checks(mutants=4), 5.0)
        size = path.stat().st_size
        again = check(lambda: iter(given), _Refusing(), path, Checks(mutants=4), 5.0)
    assert path.stat().st_size == size and again.verdicts.total() == len(TESTS)
    return {c.id: c for c in read_jsonl(path, Check)}


def test_the_programs_of_a_response_without_mutants_are_counted(tmp_path: Path) -> None:
    code = "def same(x):\n    return x\n"
    given = Response("r", "i", 0, "", code, "assert same(3) == 3\n", "stop")
    with Sandbox(accept="basic", preload=()) as box:
        counts = check(lambda: iter([given]), box, tmp_path / "c.jsonl", Checks(mutants=4), 5.0)
    assert counts.programs == 2  # the code and its stub


class _Refusing:
    """Runs nothing: what lies on disk is enough."""

    def run(self, programs: object) -> list:
        assert not list(programs)
        return []


@pytest.mark.parametrize("name", TESTS)
def test_what_the_tests_are_worth(verdicts: dict[str, Check], name: str) -> None:
    assert verdicts[name].verdict == TESTS[name][1]


def test_as_many_mutants_are_tried_as_the_settings_say(verdicts: dict[str, Check]) -> None:
    assert (verdicts["values"].mutants, verdicts["values"].noticed) == (4, 4)
    assert verdicts["own expression"].mutants == 0  # nothing has to be run to see it
