"""EvalPerf's score, on problems whose instruction counts can be told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional import efficiency
from codealign.evaluate.functional.efficiency import (
    MOST_STEPS,
    available,
    compare,
    cost,
    keeps_up_with,
)
from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.sandbox import Outcome, Result, Sandbox

SLOW = (
    "def f(n):\n    t = 0\n    for i in range(n):\n        for j in range(20): t += 1\n    return n"
)
MIDDLE = "def f(n):\n    for i in range(n): pass\n    return n"
FAST = "def f(n): return n"
PROBLEM = Problem(
    "P/0", "f", "", FAST, [[3]], [[4]], pe_input=[[1000]],
    references=[(SLOW, 30.0), (MIDDLE, 80.0), (FAST, 100.0)],
)  # fmt: skip
ENDLESS = "def f(n):\n    while n > 100: pass\n    return n"


@pytest.mark.parametrize(
    ("spent", "place"), [(5, 2), (10, 2), (11, 1), (50, 1), (51, 0), (100, 0), (101, -1)]
)
def test_the_fastest_reference_that_is_kept_up_with(spent: float, place: int) -> None:
    assert keeps_up_with(spent, [100, 50, 10]) == place


@pytest.mark.parametrize(
    ("code", "dps", "norm"),
    [
        (FAST, 100.0, 100.0),
        (MIDDLE, 80.0, 200 / 3),
        (MIDDLE.replace("pass", "n = n"), 30.0, 100 / 3),
        (SLOW.replace("20", "30"), 0.0, 0.0),
    ],
)
def test_scores_follow_the_instruction_count(
    sandbox: Sandbox, code: str, dps: float, norm: float
) -> None:
    ((measured,),) = compare({"P/0": [code]}, {"P/0": PROBLEM}, sandbox).values()
    assert measured.dps == dps
    assert measured.dps_norm == pytest.approx(norm)


def test_counts_are_the_same_in_every_run(sandbox: Sandbox) -> None:
    runs = [compare({"P/0": [SLOW]}, {"P/0": PROBLEM}, sandbox)["P/0"][0].cost for _ in range(2)]
    assert runs[0] == runs[1]


def test_problems_without_a_correct_solution_have_no_score(sandbox: Sandbox) -> None:
    problems = {"P/0": PROBLEM, "P/1": PROBLEM.__class__(**{**vars(PROBLEM), "task_id": "P/1"})}
    solutions = {"P/0": [FAST], "P/1": ["def f(n): return 0"]}
    results = evaluate("evalperf", solutions, problems, sandbox, measure="steps")
    assert results.values() == {"evalperf": {"P/0": 100.0, "P/1": None}}
    rows = {r["metric"]: (r["value"], r["n"], r["missing"]) for r in results.scores()}
    assert rows == {"pass@1": (0.5, 2, 0), "dps": (100.0, 1, 1), "dps_norm": (100.0, 1, 1)}


def test_a_solution_that_fails_on_the_large_input_has_zero(sandbox: Sandbox) -> None:
    code = "def f(n):\n    assert n < 100\n    return n"
    ((measured,),) = compare({"P/0": [code]}, {"P/0": PROBLEM}, sandbox).values()
    assert (measured.dps, measured.cost) == (0.0, None)
    assert measured.reason.startswith("error: AssertionError")


def test_a_score_is_not_taken_from_a_program_that_stops_the_count(sandbox: Sandbox) -> None:
    code = "import sys\ndef f(n):\n    sys.settrace(None)\n    return n"
    ((measured,),) = compare({"P/0": [code]}, {"P/0": PROBLEM}, sandbox).values()
    assert measured.dps == 0.0
    assert measured.reason.startswith("suspect")


def test_cpu_time_may_be_the_measure(sandbox: Sandbox) -> None:
    heavy = "def f(n): return len([i for i in range(3_000_000)]) and n"
    problem = Problem(**{**vars(PROBLEM), "references": [(heavy, 50.0), (FAST, 100.0)]})
    ((measured,),) = compare({"P/0": [MIDDLE]}, {"P/0": problem}, sandbox, measure="cpu").values()
    assert measured.dps >= 50.0


def test_beyond_the_limit_all_are_equally_slow() -> None:
    runs = [Result("x", "pass", "", "strong", 1.0, outputs=[Outcome(1, steps=MOST_STEPS + 9)])]
    assert cost(runs, "steps") == (MOST_STEPS + 1, "pass", "")


def test_a_sandbox_error_is_unscored_not_zero() -> None:
    value, verdict, reason = cost([Result("x", "sandbox_error", "lost", "strong", 0.0)], "steps")
    assert (value, verdict) == (None, "sandbox_error")
    assert reason == "sandbox_error: lost"


def test_a_reference_that_fails_is_named(sandbox: Sandbox) -> None:
    problem = Problem(**{**vars(PROBLEM), "references": [("def f(n): return 1 / 0", 100.0)]})
    with pytest.raises(CodealignError, match="P/0: a reference solution .*ZeroDivisionError"):
        compare({"P/0": [FAST]}, {"P/0": problem}, sandbox)


def test_a_reference_that_could_not_be_measured_is_measured_again(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = efficiency._measure

    def lost(solutions, *more):
        return [{**row, "cost": None, "reason": "lost"} for row in whole(solutions, *more)]

    monkeypatch.setattr(efficiency, "_measure", lost)
    with pytest.raises(CodealignError, match="a reference solution cannot be measured"):
        compare({"P/0": [FAST]}, {"P/0": PROBLEM}, sandbox, cache=tmp_path)
    monkeypatch.undo()
    (measured,) = compare({"P/0": [FAST]}, {"P/0": PROBLEM}, sandbox, cache=tmp_path)["P/0"]
    assert measured.dps == 100.0


def test_a_problem_without_references_is_named(sandbox: Sandbox) -> None:
    problem = Problem(**{**vars(PROBLEM), "references": []})
    with pytest.raises(CodealignError, match="P/0: no performance-exercising input"):
        compare({"P/0": [FAST]}, {"P/0": problem}, sandbox)


def test_nano_references_are_told_apart(sandbox: Sandbox) -> None:
    """Each problem's slow reference needs more instructions than its fast one."""
    problems = load("evalperf", "nano", limit=4)
    slow = {t: [p.references[0][0]] for t, p in problems.items()}
    measured = compare(slow, problems, sandbox)
    assert [e[0].reference for e in measured.values()] == [0] * 4


def test_what_is_counted_depends_on_the_machine(sandbox: Sandbox) -> None:
    measure = available("auto", sandbox)
    assert measure in ("instructions", "steps")
    if measure == "steps":
        with pytest.raises(CodealignError, match="does not count instructions"):
            available("instructions", sandbox)


def test_a_substitute_is_taken_as_asked(sandbox: Sandbox) -> None:
    assert available("cpu", sandbox) == "cpu"


def test_the_cost_in_instructions_has_no_limit() -> None:
    runs = [Result("x", "pass", "", "strong", 1.0, outputs=[Outcome(1, steps=10 * MOST_STEPS)])]
    assert cost(runs, "instructions") == (10.0 * MOST_STEPS, "pass", "")


def test_results_are_written_as_evalperf_writes_them(sandbox: Sandbox, tmp_path: Path) -> None:
    solutions = {"P/0": [FAST, "def f(n): return 0"]}
    results = evaluate("evalperf", solutions, {"P/0": PROBLEM}, sandbox, measure="steps")
    results.write(tmp_path)
    data = json.loads((tmp_path / "samples_evalperf_results.json").read_text())
    row = data["eval"]["P/0"]
    assert (row["dps"], row["dps_norm"], row["pass@1"], row["n_profiled"]) == (100, 100, 50, 1)
    right, wrong = row["results"]
    assert (right["pass"], right["profiled"], right["matching_cluster_idx"]) == (True, True, 2)
    assert (wrong["pass"], wrong["profiled"], wrong["dps"]) == (False, False, None)
    assert (data["n_samples"], data["measure"]) == (2, "steps")


BEYOND = "def f(n):\n    for i in range(3_000_000):\n        n += 0\n    return n"


def test_where_a_reference_needs_too_many_steps_so_does_not_tell(sandbox: Sandbox) -> None:
    problem = Problem(**{**vars(PROBLEM), "references": [(BEYOND, 50.0), (FAST, 100.0)]})
    slow = BEYOND.replace("3_000_000", "4_000_000")
    ((measured, quick),) = compare(
        {"P/0": [slow, FAST]}, {"P/0": problem}, sandbox, "steps"
    ).values()
    assert (measured.dps, measured.cost, measured.reference) == (None, None, -1)
    assert measured.reason.startswith("more than 2,000,000 steps, and so a reference")
    assert quick.dps == 100.0


def test_beyond_the_limit_is_slower_than_references_within_it(sandbox: Sandbox) -> None:
    ((measured,),) = compare({"P/0": [BEYOND]}, {"P/0": PROBLEM}, sandbox, "steps").values()
    assert (measured.dps, measured.reference) == (0.0, -1)
