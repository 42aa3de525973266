"""A source is the paper or a run folder; anything else is one clear error."""

from __future__ import annotations

import pytest

from codealign.analysis.context import open_source
from codealign.analysis.measured import write_measured
from codealign.cell import Cell
from codealign.errors import CodealignError


def test_the_paper_has_720_scores() -> None:
    # By hand: 5 models x 2 variants x 4 stages x (5 + 6 + 7) columns of Tables 3, 4 and 5.
    assert len(open_source("paper").scores) == 720


def test_a_run_folder_gives_its_own_scores(tmp_path) -> None:
    cell = Cell("nano", "pretrained", "functional", "base", seed=0)
    folder = tmp_path / "evals/nano/pretrained/functional/base"
    write_measured(folder, "mine", cell, {"humaneval": {"a": 1.0}})
    found = open_source(str(tmp_path))
    assert list(found.scores["source"]) == ["mine"]
    assert list(found.items.values()) == [{"a": 1.0}]


def test_a_folder_without_scores_says_so(tmp_path) -> None:
    with pytest.raises(CodealignError, match="no scores; run its evaluations first"):
        open_source(str(tmp_path))


def test_a_missing_folder_says_what_is_expected() -> None:
    with pytest.raises(CodealignError, match="no such run folder; give `paper`"):
        open_source("runs/never")
