"""The seed functions: the shipped pool is the grammar's, none of it a benchmark's composition."""

from __future__ import annotations

import pytest

from codealign.paths import NANO_DATA, NANO_POOL
from codealign.prefs.pool import pool_functions
from nano.lab.problems import read_problems
from nano.lab.seeds import POOL, pool_of, seed_tasks


@pytest.mark.parametrize("seed", [0, 4, 20])
def test_the_pool_that_is_shipped_is_what_the_grammar_gives(seed: int) -> None:
    assert pool_functions(seed, 40) == pool_of(seed, 40)


def test_a_file_of_the_pool_holds_as_many_functions_as_are_stated() -> None:
    assert {p.name for p in NANO_POOL.iterdir()} == {f"{seed}.jsonl.gz" for seed in POOL}
    for seed, n in POOL.items():
        assert len(read_problems(NANO_POOL / f"{seed}.jsonl.gz")) == n


def test_no_seed_has_a_benchmarks_solution() -> None:
    problems = read_problems(NANO_DATA / "humaneval_plus.jsonl.gz")
    bodies = {one.code.split('"""\n', 1)[1] for one in pool_functions(0, 300)}
    assert not {p["canonical_solution"] for p in problems} & bodies


def test_no_seed_is_a_composition_of_a_benchmark() -> None:
    problems = read_problems(NANO_DATA / "humaneval_plus.jsonl.gz")
    assert not {p["chain"] for p in problems} & {task.chain for task, _ in seed_tasks(1, 60)}
