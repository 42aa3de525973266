"""The account: printed from its counts, and the counts those of the committed files."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from codealign.paths import NANO_DATA, NANO_WEIGHTS
from nano.lab.account import account_text, counted
from nano.lab.mutation import total
from nano.lab.problems import read_problems
from nano.lab.recipe import Recipe
from nano.lab.tasks import compositions, fits, is_held_out

COUNTS = json.loads((NANO_DATA / "account.json").read_text(encoding="utf-8"))


def test_the_account_is_printed_from_its_counts() -> None:
    assert (NANO_DATA / "README.md").read_text(encoding="utf-8") == account_text(COUNTS)


def test_there_are_at_least_ten_thousand_tasks() -> None:
    assert COUNTS["compositions"] >= 10_000


def test_nothing_leaks() -> None:
    assert (COUNTS["code_leaks"], COUNTS["text_leaks"]) == (0, 0)


def test_sizes_are_those_of_the_files() -> None:
    sizes = {name: len(read_problems(NANO_DATA / f"{name}.jsonl.gz")) for name in COUNTS["sizes"]}
    assert sizes == COUNTS["sizes"]


def test_mutants_are_those_of_the_files() -> None:
    name = "evoeval_subtle"
    assert COUNTS["mutants"][name] == asdict(total(read_problems(NANO_DATA / f"{name}.jsonl.gz")))


def test_compositions_are_different_and_can_be_sampled() -> None:
    found = list(compositions(depth=2))
    assert len({task.chain for task in found}) == len(found)
    for task in found:
        for i, step in enumerate(task.steps):
            earlier = [s.op.id for s in task.steps[:i]]
            assert fits(step.op, task.source, task.types[i], earlier)


def test_held_out_compositions_have_several_operations() -> None:
    assert min(len(task.steps) for task in compositions(depth=2) if is_held_out(task)) == 2


@pytest.mark.long
def test_the_counts_are_true() -> None:
    assert counted(NANO_DATA, NANO_WEIGHTS, Recipe()) == COUNTS
