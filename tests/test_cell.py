"""A cell's place, as a path and as columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.paths import RunPaths, part_folder

HOME = Cell("nano", "pretrained", "functional", "dpo")


@pytest.mark.parametrize(
    ("cell", "section", "path"),
    [
        (HOME, "", "evals/nano/pretrained/functional/dpo"),
        (HOME.at(benchmark="mbpp"), "", "evals/nano/pretrained/functional/dpo/mbpp"),
        (HOME.at(seed=3), "", "seeds/3/evals/nano/pretrained/functional/dpo"),
        (HOME.at(trained="non_functional"), "", "cross/nano/pretrained/functional/dpo"),
        (
            HOME.at(seed=3, ablation="beta_1"), "align",
            "seeds/3/ablations/align/beta_1/evals/nano/pretrained/functional/dpo",
        ),
    ],
)  # fmt: skip
def test_a_cell_has_a_place_and_is_read_back_from_it(cell: Cell, section: str, path: str) -> None:
    assert cell.path(section) == path
    assert Cell.parse(path) == cell


def test_its_columns_are_those_asked_for_in_their_order() -> None:
    assert HOME.columns(["stage", "model"]) == {"stage": "dpo", "model": "nano"}
    assert list(HOME.columns(["stage", "model"])) == ["stage", "model"]
    assert Cell.of(HOME.columns()) == HOME


def test_its_place_is_where_a_run_keeps_its_results() -> None:
    cell = HOME.at(seed=2, ablation="few")
    part = RunPaths(Path(part_folder("run", 2, "sft", "few")))
    place = part.evals(HOME)
    assert f"run/{cell.path('sft')}" == place.as_posix()


def test_a_checkpoint_lies_where_its_cells_training_puts_it() -> None:
    part = RunPaths(Path(part_folder("run", 2)))
    place = part.checkpoint(HOME).relative_to("run")
    assert Cell.parse(place.as_posix()) == HOME.at(seed=2)


def test_a_part_says_which_seed_and_ablation_and_not_the_cell() -> None:
    part = RunPaths(Path(part_folder("run", 2)))
    elsewhere = HOME.at(seed=7, ablation="few")
    assert part.evals(elsewhere) == part.evals(HOME)
    assert part.checkpoint(elsewhere) == part.checkpoint(HOME)


def test_another_path_is_refused_with_what_is_expected() -> None:
    with pytest.raises(CodealignError, match=r"a/b: not the place of a cell; expected"):
        Cell.parse("a/b")


def test_its_columns_make_it_again() -> None:
    assert Cell.of(HOME.at(seed=1).columns()) == HOME.at(seed=1)


def test_what_is_not_said_is_the_benchmarks_own_requirement() -> None:
    assert HOME.trained == "functional" and HOME.main
    assert not HOME.at(trained="non_functional").main
    assert HOME.at(trained="non_functional").cross and not HOME.cross
    assert not HOME.at(ablation="x").main
