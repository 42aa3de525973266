"""Solutions to verdicts, through the sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.expected import Expected, inputs_as_json
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.scoring import _program, _sample
from codealign.evaluate.functional.verdicts import Attempt, Limits
from codealign.sandbox import Call, Sandbox

Problems = dict[str, Problem]


def attempt(problems: Problems, sandbox: Sandbox, solution: str, **options: float) -> Attempt:
    found = evaluate("humaneval", {"T/0": [solution]}, problems, sandbox, **options)
    return found.attempts["T/0"][0]


def test_canonical_solutions_pass(problems: Problems, sandbox: Sandbox) -> None:
    solutions = {t: [p.canonical] for t, p in problems.items()}
    results = evaluate("humaneval", solutions, problems, sandbox)
    assert all(a.passed for found in results.attempts.values() for a in found)


CASES = {
    "wrong": ("def double(x): return x", "fail", "fail", "base test 1: expected 2, got 1"),
    "wrong on plus only": (
        "def double(x): return 2 * abs(x)", "pass", "fail", "plus test 1: expected -6, got 6",
    ),
    "error": ("def double(x): raise KeyError(x)", "fail", "fail", "base test 1: KeyError: 1"),
    "does not compile": ("def double(x: return", "fail", "fail", "SyntaxError"),
    "other name": ("def twice(x): return 2 * x", "fail", "fail", "no function double"),
    "a missing key of its name": (
        "def double(x): return {}['double']", "fail", "fail", "base test 1: KeyError: 'double'",
    ),
    "empty": ("  \n", "fail", "fail", "empty answer"),
    "endless": ("def double(x):\n    while True: pass", "timeout", "timeout", "base test 1"),
    "crash": ("import os\ndef double(x): os.abort()", "fail", "fail", "signal 6"),
    "leaves": ("import os\ndef double(x): os._exit(0)", "fail", "fail", "exit code 0"),
    "leaves later": (
        "import os\ndef double(x): return 2 * x if x > 0 else os._exit(0)",
        "pass", "fail", "plus test 1",
    ),
}  # fmt: skip
KINDS = {
    "wrong": "wrong", "wrong on plus only": "wrong", "error": "error", "does not compile": "error",
    "other name": "no_answer", "a missing key of its name": "error", "empty": "no_answer",
    "endless": "timeout", "crash": "crash", "leaves": "no_proof", "leaves later": "no_proof",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_failure_has_its_kind_and_first_failing_test(
    problems: Problems, sandbox: Sandbox, case: str
) -> None:
    code, base, plus, detail = CASES[case]
    found = attempt(problems, sandbox, code, cpu_s=0.5)
    assert (found.base_status, found.plus_status, found.kind) == (base, plus, KINDS[case])
    assert detail in found.detail


CHEATS = {
    "equal to everything": "class E:\n    def __eq__(s, o): return True\ndef double(x): return E()",
    "float equal to everything": "class E(float):\n    def __eq__(s, o): return True\n"
    "    def __sub__(s, o): return 0.0\ndef double(x): return E(1)",
    "reads expected through frames": "import sys\ndef double(x):\n"
    "    f = sys._getframe()\n    while f:\n"
    "        for v in f.f_locals.values():\n            if isinstance(v, list): return v\n"
    "        f = f.f_back",
    "exit code zero": "import sys\nsys.exit(0)",
    "huge output": "def double(x): return 'x' * (1 << 30)",
    "forges outcomes": "import os, struct\nm = b'Ov0.0 0 2'\n"
    "for _ in range(9): os.write(3, struct.pack('<I', len(m)) + m)\nos._exit(0)",
    "equal to anything, of the library": "from unittest.mock import ANY\ndef double(x): return ANY",
    "a number equal to everything": "class E(int):\n    def __eq__(s, o): return True\n"
    "    __hash__ = None\ndef double(x): return E(0)",
    "a list equal to everything": "class E(list):\n    def __eq__(s, o): return True\n"
    "def double(x): return E()",
    "an array equal to everything": "import numpy as np\nclass E(np.ndarray):\n"
    "    def __eq__(s, o): return np.bool_(True)\ndef double(x): return np.zeros(1).view(E)",
    "looks for what is expected among all objects": "import gc\ndef double(x):\n"
    "    return next(o for o in gc.get_objects() if isinstance(o, list) and o and o != [x])",
    "reads every file it may": "import os\ndef double(x):\n    found = ''\n"
    "    for folder, _, names in os.walk('/proc/self'):\n        for name in names:\n"
    "            try: found += open(f'{folder}/{name}').read(1000)\n"
    "            except Exception: pass\n    return found",
    "leaves while it is imported": "import os\nos._exit(0)",
    "leaves with an exception": "raise SystemExit(0)",
    "leaves at the end": "import atexit, os\natexit.register(os._exit, 0)\nraise ValueError",
    "prints without end": "def double(x):\n    while True: print('x' * 10**6)",
    "prints what looks like a pass": "print('pass')\nimport os\nos.write(1, b'pass')\nos._exit(0)",
    "patches comparison": "import builtins, numpy, math\nnumpy.allclose = lambda *a, **k: True\n"
    "builtins.all = builtins.abs = lambda *a: True\nbuiltins.AssertionError = Warning\n"
    "builtins.float = builtins.type = bool\ndef double(x): return 0",
    "patches the clock": "import time\ntime.process_time = lambda: 0.0\n"
    "def double(x):\n    while True: pass",
    "patches the runner": "import builtins, json\njson.dumps = lambda *a, **k: '2'\n"
    "builtins.BaseException = ValueError\ndef double(x): raise KeyboardInterrupt",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheats_never_pass(problems: Problems, sandbox: Sandbox, cheat: str) -> None:
    assert not attempt(problems, sandbox, CHEATS[cheat], cpu_s=2.0).passed


def test_the_failing_arguments_are_kept(problems: Problems, sandbox: Sandbox) -> None:
    found = attempt(problems, sandbox, "def double(x): return 2 * abs(x)")
    assert (found.base_fail_tests, found.plus_fail_tests) == ([], [[-3]])


def test_a_slow_call_is_a_timeout_though_right(problems: Problems, sandbox: Sandbox) -> None:
    slow = "import time\ndef double(x):\n    e = time.process_time() + .4\n"
    slow += "    while time.process_time() < e: pass\n    return 2 * x"
    found = attempt(problems, sandbox, slow, cpu_s=0.3)
    assert (found.base_status, found.kind) == ("timeout", "timeout")


def test_words_of_a_program_about_a_call_limit_are_no_call_limit(
    problems: Problems, sandbox: Sandbox
) -> None:
    found = attempt(problems, sandbox, "raise ValueError('(call limit)')")
    assert (found.kind, found.detail) == ("error", "base test 1: ValueError: (call limit)")


def test_equal_samples_are_each_an_attempt(problems: Problems, sandbox: Sandbox) -> None:
    solutions = {"T/0": [problems["T/0"].canonical] * 3}
    found = evaluate("humaneval", solutions, problems, sandbox).attempts["T/0"]
    assert [(a.index, a.passed) for a in found] == [(0, True), (1, True), (2, True)]


def test_unknown_problems_are_refused(problems: Problems, sandbox: Sandbox) -> None:
    with pytest.raises(CodealignError, match="1 unknown problems, e.g. 'T/9'"):
        evaluate("humaneval", {"T/9": ["x"]}, problems, sandbox)


def test_a_failing_canonical_solution_is_named(problems: Problems, sandbox: Sandbox) -> None:
    broken = {"T/0": replace(problems["T/0"], canonical_solution="    return x / 0\n")}
    with pytest.raises(CodealignError, match="T/0: its canonical solution .*ZeroDivisionError"):
        evaluate("humaneval", {"T/0": ["x"]}, broken, sandbox)


def test_expected_outputs_are_cached_by_content(
    problems: Problems, sandbox: Sandbox, tmp_path: Path
) -> None:
    def files_after(these: Problems) -> int:
        evaluate("humaneval", {t: ["x"] for t in these}, these, sandbox, cache=tmp_path)
        return len(list(tmp_path.iterdir()))

    assert files_after(problems) == 1
    assert files_after(problems) == 1
    changed = replace(problems["T/0"], plus_input=[[7]])
    assert files_after({**problems, "T/0": changed}) == 2


def test_cached_outputs_are_used(problems: Problems, sandbox: Sandbox, tmp_path: Path) -> None:
    solutions = {"T/1": [problems["T/1"].canonical]}
    evaluate("humaneval", solutions, problems, sandbox, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text().replace('["1"', '["5"'))
    (found,) = evaluate("humaneval", solutions, problems, sandbox, cache=tmp_path).attempts["T/1"]
    assert found.detail == "base test 1: expected 5, got 1"


def test_inputs_given_as_source_are_evaluated_in_the_sandbox(sandbox: Sandbox) -> None:
    problem = Problem(
        "EvoEval/0", "f", "def f(x, y):", "    return x | {y}", [],
        base_expressions=["{1}, 2", "set(), float('inf')"], oracle="evoeval_subtle", joiner="\n",
    )  # fmt: skip
    solution = {"EvoEval/0": ["def f(x, y): return x.union([y])"]}
    results = evaluate("evoeval_subtle", solution, {"EvoEval/0": problem}, sandbox)
    assert results.attempts["EvoEval/0"][0].passed
    assert results.attempts["EvoEval/0"][0].plus_status == ""


def test_two_runs_give_the_same_attempts(problems: Problems, sandbox: Sandbox) -> None:
    solutions = {"T/0": ["def double(x): return x", problems["T/0"].canonical]}
    first, second = (evaluate("humaneval", solutions, problems, sandbox) for _ in range(2))
    assert [replace(a, cpu_s=0) for a in first.attempts["T/0"]] == [
        replace(a, cpu_s=0) for a in second.attempts["T/0"]
    ]


COSTLY = Problem(
    "T/5", "f", "def f(n):\n", "    return [n] * n\n", [[1]], [[i] for i in range(200)] + [[9999]],
)  # fmt: skip


def test_a_sample_that_passes_the_first_added_tests_is_run_on_all(sandbox: Sandbox) -> None:
    code = "def f(n): return [n] * n if n < 190 else None"
    found = evaluate("humaneval", {"T/5": [code]}, {"T/5": COSTLY}, sandbox).attempts["T/5"][0]
    assert (found.base_status, found.plus_status, found.plus_fail_tests) == (
        "pass",
        "fail",
        [[190]],
    )


def test_a_wrong_large_output_is_found_by_its_value(sandbox: Sandbox) -> None:
    """As far as hashes go `[9999.0, ...]` and `[9998, ...]` both differ from what is expected."""
    equal, other = (f"def f(n): return [n] * n if n < 200 else [{x}] * n" for x in ("9999.0", 9998))
    results = evaluate("humaneval", {"T/5": [equal, other]}, {"T/5": COSTLY}, sandbox)
    assert [a.kind for a in results.attempts["T/5"]] == ["", "wrong"]


def test_a_large_output_may_be_near_enough(sandbox: Sandbox) -> None:
    """Once a float is expected, 1e-6 holds; the outputs differ by 1e-9 in each number."""
    problem = replace(COSTLY, canonical_solution="    return [0.5] * n\n", plus_input=[[9999]])
    near, far = (f"def f(n): return [0.5 + {x}] * n" for x in (1e-9, 1e-3))
    results = evaluate("humaneval", {"T/5": [near, far]}, {"T/5": problem}, sandbox)
    assert [a.passed for a in results.attempts["T/5"]] == [True, False]


def one(canonical: str, solution: str, sandbox: Sandbox, *inputs: list[object]) -> Attempt:
    problem = Problem("T/0", "f", "", canonical, [*map(list, inputs)])
    return evaluate("humaneval", {"T/0": [solution]}, {"T/0": problem}, sandbox).attempts["T/0"][0]


def test_integers_of_thousands_of_digits_are_compared_and_told_by_their_length(
    sandbox: Sandbox,
) -> None:
    power = "def f(n): return 10 ** n"
    assert one(power, power, sandbox, [5000]).passed
    found = one(power, "def f(n): return [10 ** (2 * n)]", sandbox, [5000])
    # a one and 5,000 zeros; the solution's stands in a list
    assert found.detail == (
        "base test 1: expected an integer of about 5000 digits,"
        " got a list with an integer of thousands of digits"
    )


def test_arguments_that_json_lacks_are_kept_as_text() -> None:
    given = [10**5000, {(1, 2): {3}, 1: None}, 1 + 2j, (1.5, True)]
    problem = Problem("T/0", "f", "", "", [given])
    assert inputs_as_json(problem, "base", 0) == [
        "an integer of about 5000 digits",
        {"(1, 2)": "{3}", "1": None},
        "(1+2j)",
        [1.5, True],
    ]


OF_THE_LIBRARY = {
    "date": "datetime.date(2024, 1, n)", "time": "datetime.timedelta(n)",
    "queue": "collections.deque([n, {n}])", "path": "pathlib.Path('a') / str(n)",
    "id": "uuid.UUID(int=n)", "decimal": "decimal.Decimal(n) / 3", "view": "{n: 1}.keys()",
}  # fmt: skip


@pytest.mark.parametrize("kind", OF_THE_LIBRARY)
def test_types_of_the_standard_library_are_compared(sandbox: Sandbox, kind: str) -> None:
    code = "import collections, datetime, decimal, pathlib, uuid\ndef f(n): return "
    code += OF_THE_LIBRARY[kind]
    assert one(code, code, sandbox, [1], [2]).passed
    assert one(code, code + "\ng = f\ndef f(n): return g(1)", sandbox, [1], [2]).kind == "wrong"


@pytest.mark.parametrize("value", ["A()", "[1, (A(),)]", "{1: {A()}}", "iter([n])"])
def test_expected_values_that_equal_nothing_are_refused_with_the_problem(
    sandbox: Sandbox, value: str
) -> None:
    code = f"class A: pass\ndef f(n): return {value} if n > 1 else n"
    with pytest.raises(CodealignError, match=r"T/0: .* in test 2 what cannot be compared \(.*\)"):
        one(code, code, sandbox, [1], [2])


SLOW = "import time\ndef f(n):\n    e = time.process_time() + .4\n"
SLOW += "    while time.process_time() < e: pass\n    return {}\n"
MANY = Problem("T/6", "f", "def f(n):\n", "    return n\n", [[i] for i in range(6)], [[9]])


@pytest.mark.parametrize(
    ("value", "base", "plus", "detail", "at_most"),
    [
        # All calls take 2.8 s. Where a base test fails they are cut off after 1.5 s, and the added
        # one is run alone, for 0.4 s; the others are run anew.
        ("n + 1", "fail", "fail", "base test 1: expected 0, got 1", 2.4),
        ("n if n > 8 else 0 - n - 1", "fail", "pass", "base test 1: expected 0, got -1", 2.4),
        ("n", "pass", "pass", "", 3.5),
        ("n if n < 9 else 0", "pass", "fail", "plus test 1: expected 9, got 0", 3.5),
    ],
)
def test_slow_samples_are_cut_off_where_their_suites_have_failed(
    sandbox: Sandbox, value: str, base: str, plus: str, detail: str, at_most: float
) -> None:
    found = evaluate("humaneval", {"T/6": [SLOW.format(value)]}, {"T/6": MANY}, sandbox)
    attempt = found.attempts["T/6"][0]
    assert (attempt.base_status, attempt.plus_status, attempt.detail) == (base, plus, detail)
    assert attempt.cpu_s < at_most


def test_slow_samples_of_a_problem_without_added_tests_are_cut_off(sandbox: Sandbox) -> None:
    problem = replace(MANY, plus_input=[])
    found = evaluate("humaneval", {"T/6": [SLOW.format("n + 1")]}, {"T/6": problem}, sandbox)
    attempt = found.attempts["T/6"][0]
    assert (attempt.base_status, attempt.plus_status) == ("fail", "")
    assert attempt.cpu_s < 2  # six calls of 0.4 s take longer


def test_a_sample_cut_off_goes_on_to_the_later_added_tests(sandbox: Sandbox) -> None:
    """Cut off in the first step, it is run once more, and then on the rest, which fails."""
    code = SLOW.format("[n] * n if n < 9999 else None").replace(".4", ".4 * (n == 1)")
    problem = replace(COSTLY, base_input=[[1]] * 5)
    found = evaluate("humaneval", {"T/5": [code]}, {"T/5": problem}, sandbox)
    attempt = found.attempts["T/5"][0]
    assert (attempt.base_status, attempt.plus_status) == ("pass", "fail")
    assert attempt.plus_fail_tests == [[9999]]


def test_added_tests_get_the_whole_time_whatever_the_base_tests_took(sandbox: Sandbox) -> None:
    """Each suite takes 0.8 s and may take 1; in the first step, of 1 s, both are run together."""
    problem = replace(MANY, base_input=[[0], [1]], plus_input=[[2], [3]])
    solutions = {"T/6": [SLOW.format("n"), SLOW.format("n if n < 3 else 0")]}
    found = evaluate("humaneval", solutions, {"T/6": problem}, sandbox, cpu_s=1.0).attempts["T/6"]
    assert [(a.base_status, a.plus_status) for a in found] == [("pass", "pass"), ("pass", "fail")]


def test_a_short_step_leaves_a_machine_that_stands_still_as_long_as_a_whole_one() -> None:
    expected = Expected("", MANY, [*range(6), 9], [0.0] * 7, 0.0, [1] * 7, [Call("f", [0])] * 7)
    limits = Limits(60.0)
    program = _program(_sample("", expected, "", limits), limits)
    assert program.cpu_s < 2
    assert program.wall_s == 630  # 30, and 10 for each of the 60 CPU seconds of all steps
