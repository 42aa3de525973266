"""Benchmarks: public formats, right solutions, held-out compositions, the same bytes each time."""

from __future__ import annotations

import ast
import random
from collections import Counter

import pytest

from codealign.errors import CodealignError
from codealign.paths import NANO_DATA
from codealign.prefs.responses import split_response
from codealign.prompts import principles
from nano.lab import benchmarks, inputs, problems, variants
from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.sequence_ops import OPS, REDUCTIONS
from nano.lab.tasks import Step, Task, of_chain

FUNCTIONAL = ["humaneval_plus", "mbpp_plus", "evalperf"]
EVOEVAL = [f"evoeval_{category}" for category in variants.CATEGORIES]
KEYS = {
    "task_id", "entry_point", "prompt", "canonical_solution", "base_input", "plus_input",
    "contract", "atol",
}  # fmt: skip
LEAST = {"humaneval_plus": 100, "mbpp_plus": 100, "evalperf": 24}
EVEN_SUM = Task(
    SOURCES["list"], (Step(FILTERS["even"]), Step(MAPS["square"]), Step(REDUCTIONS["sum"])), "nums"
)


def read(name: str) -> list[problems.Problem]:
    """Return a committed benchmark."""
    return problems.read_problems(NANO_DATA / f"{name}.jsonl.gz")


@pytest.mark.parametrize("name", FUNCTIONAL + EVOEVAL)
def test_problems_have_the_public_keys(name: str) -> None:
    assert all(KEYS <= set(problem) for problem in read(name))


@pytest.mark.parametrize("name", FUNCTIONAL + EVOEVAL)
def test_task_ids_are_unique_and_there_are_enough(name: str) -> None:
    found = read(name)
    assert len({p["task_id"] for p in found}) == len(found) >= LEAST.get(name, 20)


@pytest.mark.parametrize("name", FUNCTIONAL + EVOEVAL)
def test_canonical_solutions_run_on_all_inputs(name: str) -> None:
    for problem in read(name):
        code, name = problems.full_solution(problem), problem["entry_point"]
        given = problem["base_input"] + problem["plus_input"]
        outputs = [inputs.call_code(code, name, row) for row in given]
        assert len({repr(o) for o in outputs}) > 1  # a constant function would not pass


@pytest.mark.parametrize("name", ["humaneval_plus", "evalperf", *EVOEVAL])
def test_shown_examples_are_true(name: str) -> None:
    for problem in read(name):
        code, lines = problems.full_solution(problem), problem["prompt"].splitlines()
        shown = [(a, b) for a, b in zip(lines, lines[1:], strict=False) if ">>> " in a]
        for call, result in shown:
            checked = f"{code}\nassert {call.split('>>> ')[1]} == {result}"
            exec(checked, {})


def test_asserts_shown_in_basic_problems_are_true() -> None:
    for problem in read("mbpp_plus"):
        line = next(s for s in problem["prompt"].splitlines() if s.startswith("assert "))
        exec(f"{problems.full_solution(problem)}\n{line}", {})


@pytest.mark.parametrize("name", [*FUNCTIONAL, "codal", *EVOEVAL])
def test_compositions_are_unseen_in_training(name: str) -> None:
    assert all(variants.is_unseen(of_chain(p["chain"])) for p in read(name))


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_compositions_come_once_in_a_benchmark(name: str) -> None:
    assert max(Counter(p["chain"] for p in read(name)).values()) == 1


def test_committed_files_are_what_the_grammar_makes(tmp_path) -> None:
    benchmarks.write_benchmarks(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in NANO_DATA.glob("*.gz")}


def test_performance_references_agree_from_slow_to_fast() -> None:
    for problem in read("evalperf")[:6]:
        codes = {r["name"]: r["code"] for r in problem["references"]}
        assert list(codes) == ["slow", "fast"] and codes["slow"] != codes["fast"]
        given, name = problem["base_input"][0], problem["entry_point"]
        results = [inputs.call_code(code, name, given) for code in codes.values()]
        assert results[0] == results[1]


def test_performance_inputs_are_large() -> None:
    sizes = [len(str(p["pe_input"][0][0])) for p in read("evalperf") if "range" not in p["chain"]]
    assert min(sizes) > 5000


def test_codal_has_every_dimension_with_known_principles() -> None:
    counts = Counter(item["dimension"] for item in read("codal"))
    assert set(counts) == set(principles()) and min(counts.values()) >= 20
    assert all(item["principle"] in principles()[item["dimension"]] for item in read("codal"))


def test_codal_references_are_python_and_keep_constraints() -> None:
    for item in read("codal"):
        code = split_response(item["reference"])[0]
        ast.parse(code)
        if item["principle"] == "Use a for loop.":
            assert "\n    for " in code
        if item["principle"] == "Use a single return expression.":
            assert len(ast.parse(code).body[-1].body) <= 2  # docstring and return


def test_a_missing_benchmark_says_how_to_make_it(tmp_path) -> None:
    with pytest.raises(CodealignError, match="make nano"):
        problems.read_problems(tmp_path / "none.jsonl.gz")


def test_difficult_adds_one_operation() -> None:
    for i in range(20):
        longer = variants.extended(EVEN_SUM, random.Random(i))
        if longer is not None:
            assert len(longer.steps) == 4 and longer.steps[-1] == EVEN_SUM.steps[-1]


def test_subtle_reverses_a_direction_or_moves_a_constant() -> None:
    task = Task(SOURCES["list"], (Step(OPS["first"], "2"), Step(MAPS["times"], "3")), "nums")
    changed = [variants.altered(task, random.Random(i)) for i in range(10)]
    ids = {tuple((s.op.id, s.k) for s in c.steps) for c in changed if c}
    assert ids <= {(("last", "2"), ("times", "3")), (("first", "2"), ("times", "4"))}


def test_combine_joins_two_tasks() -> None:
    task = Task(SOURCES["list"], (Step(FILTERS["even"]), Step(OPS["sort"])), "nums")
    found = [variants.combined(task, random.Random(i)) for i in range(30)]
    made = [f for f in found if f]
    assert made and all(t.steps[:2] == task.steps and text.startswith("First compute")
                        for t, text in made)  # fmt: skip


def test_tool_use_solutions_call_the_helper() -> None:
    for problem in read("evoeval_tool_use"):
        helper = problem["prompt"].split("def ")[1].split("(")[0]
        if helper != "is_prime":
            assert f"{helper}(" in problem["canonical_solution"]


def test_concise_problems_show_no_example() -> None:
    assert not any(">>>" in p["prompt"] for p in read("evoeval_concise"))


def test_telling_inputs_need_different_results() -> None:
    task = Task(SOURCES["list"], (Step(REDUCTIONS["count"]),), "nums")
    same = [([[1, 2, 3]], 3), ([[4, 5, 6]], 3), ([[7, 8, 9]], 3)]
    assert not problems.is_telling(task, same, [])


def test_wish_of_a_constraint_knows_its_style() -> None:
    assert benchmarks.wish_of("instruction_following", "Use a for loop.").style == "loop"
