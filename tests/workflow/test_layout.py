"""A project folder as the package lays it out."""

from __future__ import annotations

from pathlib import Path

from codealign.paths import PACKAGE, shipped
from codealign.workflow.layout import lay_out


def test_what_the_package_brings_is_beside_it_in_a_source_tree() -> None:
    assert shipped() == PACKAGE.parent


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "params" / "nano.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    written = lay_out(tmp_path)
    assert mine.read_text() == "mine" and mine not in written
    assert tmp_path / "params" / "models.yaml" in written
    assert (tmp_path / "notebooks" / "02_sft.ipynb").exists()
    assert lay_out(tmp_path) == []
