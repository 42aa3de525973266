"""The seed corpus: files that a seed extractor can read, none of them a benchmark's composition."""

from __future__ import annotations

import ast

import pytest

from codealign.nano.problems import read_problems
from codealign.nano.seeds import (
    known_tasks,
    module_text,
    seed_functions,
    seed_tasks,
    write_seed_corpus,
)
from codealign.paths import NANO_DATA


def test_the_same_seed_gives_the_same_files(tmp_path) -> None:
    first = [p.read_text() for p in write_seed_corpus(tmp_path / "a", 3, 45)]
    second = [p.read_text() for p in write_seed_corpus(tmp_path / "b", 3, 45)]
    assert first == second and len(first) == 3  # 20 + 20 + 5 functions


def test_another_seed_gives_other_functions() -> None:
    assert seed_functions(1, 20) != seed_functions(2, 20)


def test_functions_are_documented_and_different(tmp_path) -> None:
    nodes = [
        node
        for path in write_seed_corpus(tmp_path, 0, 60)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    assert len({node.name for node in nodes}) == 60
    assert all(ast.get_docstring(node) for node in nodes)


def test_modules_run_with_their_imports_at_the_top() -> None:
    code = module_text(
        ["from math import prod\n\ndef f(a):\n    return prod(a)\n", "def g(a):\n    return a\n"]
    )
    scope: dict = {}
    exec(code, scope)
    assert scope["f"]([2, 3]) == 6
    assert code.index("import prod") < code.index("def f")


def test_no_seed_has_a_benchmarks_solution() -> None:
    solutions = {
        p["canonical_solution"] for p in read_problems(NANO_DATA / "humaneval_plus.jsonl.gz")
    }
    bodies = {code.split('"""\n', 1)[1] for code in seed_functions(0, 300)}
    assert not solutions & bodies


def test_the_hidden_tests_accept_the_seeds_own_function_and_refuse_its_stub() -> None:
    functions = {task.name: code for task, code in seed_tasks(0, 40)}
    known = list(known_tasks(0, 40))
    assert len(known) > 20
    for one in known:
        exec(functions[one.name] + one.tests, {})
        with pytest.raises(AssertionError):
            exec(f"def {one.name}(*given):\n    return None\n{one.tests}", {})


def test_known_tasks_name_their_function_and_are_none_of_the_benchmarks() -> None:
    benchmarks = {p["chain"] for p in read_problems(NANO_DATA / "humaneval_plus.jsonl.gz")}
    chains = {task.name: task.chain for task, _ in seed_tasks(1, 60)}
    for one in known_tasks(1, 60):
        assert f"`{one.name}`" in one.text
        assert chains[one.name] not in benchmarks
