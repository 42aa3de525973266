"""Tests run the way they were written: every style on right code, on wrong code, in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codealign.prefs.testing import make_case, program_of, script_of, verdict_of, verdicts_of
from codealign.sandbox import Result, Sandbox

RIGHT, WRONG = "def f(x):\n    return x + 1\n", "def f(x):\n    return x - 1\n"
STYLES = {
    "plain": "assert f(1) == 2\n",
    "if that raises": "if f(1) != 2:\n    raise ValueError('no')\n",
    "numpy": "import numpy as np\nnp.testing.assert_allclose(f(np.array([1.0])), [2.0])\n",
    "called": "def test_f():\n    assert f(1) == 2\n\ntest_f()\n",
    "called with arguments": "def test_f(a, b):\n    assert f(a) == b\n\ntest_f(1, 2)\n",
    "found by name": (
        "def test_f():\n    assert f(1) == 2\n\n"
        "for name, test in list(globals().items()):\n    if name[:5] == 'test_':\n        test()\n"
    ),
    "pytest function": "def test_f():\n    assert f(1) == 2\n",
    "pytest coroutine": "async def test_f():\n    assert f(1) == 2\n",
    "pytest class": (
        "class TestF:\n    def setup_method(self):\n        self.v = 1\n"
        "    def test_a(self):\n        assert f(self.v) == 2\n"
    ),
    "parametrized": (
        "import pytest\n@pytest.mark.parametrize('a,b', [(1, 2), pytest.param(4, 5, id='z')])\n"
        "def test_f(a, b):\n    assert f(a) == b\n"
    ),
    "parametrized twice": (
        "import pytest\n@pytest.mark.parametrize('a', [1, 2])\n"
        "@pytest.mark.parametrize(['b'], [(1,)])\ndef test_f(a, b):\n    assert f(a) == a + b\n"
    ),
    "raises": (
        "import pytest\ndef test_f():\n    assert f(1) == 2\n"
        "    with pytest.raises(TypeError, match='str'):\n        f('a')\n"
    ),
    "approx": "from pytest import approx\ndef test_f():\n    assert [f(0.3)] == approx([1.3])\n",
    "fixture": (
        "import pytest\n@pytest.fixture\ndef v():\n    yield 1\n"
        "def test_f(v):\n    assert f(v) == 2\n"
    ),
    "pytest.main": (
        "import pytest, sys\ndef test_f():\n    assert f(1) == 2\n"
        "if __name__ == '__main__':\n    sys.exit(pytest.main([__file__]))\n"
    ),
    "unittest": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_a(self):\n        self.assertEqual(f(1), 2)\n"
    ),
    "unittest with parts": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        for x in (1, 2):\n            with self.subTest(x):\n"
        "                self.assertEqual(f(x), x + 1)\n"
    ),
    "unittest that leaves": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        if f(1) != 2:\n            raise SystemExit(0)\n"
    ),
    "unittest.main": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_a(self):\n        self.assertEqual(f(1), 2)\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    ),
    "check(candidate)": "def check(candidate):\n    assert candidate(1) == 2\n",
    "check, called": "def check(candidate):\n    assert candidate(1) == 2\n\ncheck(f)\n",
    "imported": "from solution import f\nassert f(1) == 2\n",
    "imported by another name": "from my_module import f as g\nassert g(1) == 2\n",
}
NOTHING_RUN = {
    "empty loop": "for x in []:\n    assert f(x) == 2\n",
    "function that nothing calls": "def run():\n    assert f(1) == 2\n",
    "skipped": "import pytest\n@pytest.mark.skip\ndef test_f():\n    assert f(1) == 2\n",
    "skipped inside": "import pytest\ndef test_f():\n    pytest.skip()\n    assert f(1) == 2\n",
}
LACKING = {
    "module": "import no_such_module_here\nassert f(1) == 2\n",
    "fixture": "def test_f(capsys):\n    assert f(1) == 2\n",
    "feature": "import pytest\ndef test_f():\n    assert f(1) == 2\n    pytest.warns(Warning)\n",
    "in unittest": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        import no_such_module_here\n        self.assertEqual(f(1), 2)\n"
    ),
}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(accept="basic", preload=()) as started:
        yield started


def verdict(box: Sandbox, code: str, tests: str) -> str:
    (result,) = box.run([script_of("a", make_case(code, tests), 5.0)])
    return verdict_of(result.verdict, result.exception)


@pytest.mark.parametrize("style", STYLES)
def test_right_code_passes_and_wrong_code_fails_in_every_style(box: Sandbox, style: str) -> None:
    tests = STYLES[style]
    assert [verdict(box, code, tests) for code in (RIGHT, WRONG)] == ["pass", "fail"]


@pytest.mark.parametrize("style", [">>> f(1)\n2\n", "import doctest\ndoctest.testmod()\n"])
def test_examples_of_doctest_fail_for_wrong_code(box: Sandbox, style: str) -> None:
    documented = WRONG.replace("\n", '\n    """\n    >>> f(1)\n    2\n    """\n', 1)
    assert verdict(box, documented, style) == "fail"


@pytest.mark.parametrize("style", NOTHING_RUN)
def test_asserts_that_nothing_runs_are_no_tests(box: Sandbox, style: str) -> None:
    verdicts = [verdict(box, code, NOTHING_RUN[style]) for code in (RIGHT, WRONG)]
    assert verdicts == ["untested", "untested"]


def test_code_that_leaves_before_its_tests_is_untested(box: Sandbox) -> None:
    assert verdict(box, f"{WRONG}raise SystemExit(0)\n", STYLES["plain"]) == "untested"


@pytest.mark.parametrize("what", LACKING)
def test_what_the_sandbox_lacks_says_nothing_of_the_code(box: Sandbox, what: str) -> None:
    assert verdict(box, RIGHT, LACKING[what]) == "unsupported"


def test_a_reason_is_read_from_the_exception_not_from_its_words(box: Sandbox) -> None:
    tests = STYLES["unittest"].replace("f(1), 2", "f(1), 2, 'Unsupported: zero'")
    assert verdict(box, WRONG, tests) == "fail"


def test_a_main_guard_of_the_code_is_not_run(box: Sandbox) -> None:
    guarded = f"{RIGHT}if __name__ == '__main__':\n    raise ValueError\n"
    assert verdict(box, guarded, STYLES["plain"]) == "pass"


def test_cases_of_one_program_do_not_see_each_other(box: Sandbox) -> None:
    other = make_case("def g(x):\n    return x\n", "assert g(1) == 1 and 'f' not in globals()\n")
    cases = [make_case(RIGHT, STYLES["plain"]), other, make_case(WRONG, STYLES["plain"])]
    (result,) = box.run([program_of("a", cases, 5.0)])
    assert [v for v, _ in verdicts_of(result, 3)] == ["pass", "pass", "fail"]


def test_a_program_that_ends_early_has_verdicts_up_to_there() -> None:
    stopped = Result("a", "timeout", "over 2 s", "strong", 2.0)
    assert verdicts_of(stopped, 3) == [("timeout", "over 2 s")]
