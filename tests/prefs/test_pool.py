"""The pool of seed functions: the same for a seed and number, each function once, in any amount."""

from __future__ import annotations

import ast
import gzip

import pytest

from codealign.errors import CodealignError
from codealign.params import Prefs, load_params
from codealign.paths import NANO_POOL, PROJECT
from codealign.prefs.pool import (
    known_tasks,
    module_text,
    pool_functions,
    write_inputs,
    write_seed_corpus,
)
from codealign.records import Known, read_jsonl

HERE, ELSEWHERE = 3, 77  # a seed with a file of its own, and one without


@pytest.mark.parametrize("seed", [HERE, ELSEWHERE])
def test_the_same_seed_gives_the_same_files(tmp_path, seed: int) -> None:
    first = [p.read_text() for p in write_seed_corpus(tmp_path / "a", seed, 45)]
    second = [p.read_text() for p in write_seed_corpus(tmp_path / "b", seed, 45)]
    assert first == second and len(first) == 3  # 20 + 20 + 5 functions


def test_another_seed_gives_other_functions() -> None:
    drawn = {seed: pool_functions(seed, 20) for seed in (1, 2, ELSEWHERE, ELSEWHERE + 1)}
    assert len({tuple(one.name for one in functions) for functions in drawn.values()}) == 4


@pytest.mark.parametrize("seed", [HERE, ELSEWHERE])
def test_more_functions_begin_with_the_fewer_and_no_name_comes_twice(seed: int) -> None:
    many = pool_functions(seed, 1500)  # more than any file holds
    assert many[:30] == pool_functions(seed, 30)
    assert len({one.name for one in many}) == len(many) == 1500


def test_more_functions_than_the_pool_holds_are_refused_with_the_number_there_is() -> None:
    with pytest.raises(CodealignError, match=r"prefs.seeds: 100000 .* pool holds \d+ of different"):
        pool_functions(HERE, 100_000)


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


@pytest.mark.parametrize("seed", [HERE, ELSEWHERE])
def test_the_hidden_tests_accept_the_seeds_own_function_and_refuse_its_stub(seed: int) -> None:
    functions = {one.name: one.code for one in pool_functions(seed, 40)}
    known = list(known_tasks(seed, 40))
    assert len(known) > 20
    for one in known:
        assert f"`{one.name}`" in one.text
        exec(functions[one.name] + one.tests, {})
        with pytest.raises(AssertionError):
            exec(f"def {one.name}(*given):\n    return None\n{one.tests}", {})


def test_settings_that_take_nothing_from_the_pool_write_nothing(tmp_path) -> None:
    assert write_inputs(tmp_path, Prefs(corpus="stdlib"), 0) == ("stdlib", None)
    assert not list(tmp_path.iterdir())


def test_the_corpus_nano_and_the_grammars_tasks_are_written_for_the_pipeline(tmp_path) -> None:
    corpus, known = write_inputs(tmp_path, Prefs(corpus="nano", tasks="grammar", seeds=24), 0)
    assert [p.name for p in sorted(corpus.iterdir())] == ["functions_000.py", "functions_001.py"]
    assert list(read_jsonl(known, Known)) == list(known_tasks(0, 24))


def test_every_seed_of_a_shipped_profile_has_a_file_of_its_own() -> None:
    # else a change of one file would change the functions of the others
    profiles = map(
        load_params,
        sorted({*(PROJECT / "params").glob("*.yaml")} - {PROJECT / "params" / "models.yaml"}),
    )
    drawing = [one for one in profiles if one.prefs.corpus == "nano"]
    assert len(drawing) == 6
    for profile in drawing:
        for seed in profile.study.seeds or [profile.seed]:
            file = NANO_POOL / f"{seed}.jsonl.gz"
            assert len(gzip.decompress(file.read_bytes()).splitlines()) >= profile.prefs.seeds
