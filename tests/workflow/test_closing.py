"""What closes a run is made anew only if something that it shows has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codealign.paths import RunPaths
from codealign.workflow.reproduce import KEPT, closing, pages, source_hash


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    """A run with a table, a result marker, and a report that was built from them."""
    paths = RunPaths(tmp_path)
    for place in ("tables/table3.md", "jobs/07_paper/result.json", "report/index.html"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("{}")
    kept = {"made_from": source_hash(paths), "pages": pages(paths.report), "text": "the answer"}
    (paths.report / KEPT).write_text(json.dumps(kept))
    return paths


def test_a_report_of_what_is_there_is_not_built_again(run: RunPaths) -> None:
    os.utime(run.jobs / "07_paper/result.json", (1, 1))  # its content counts
    assert closing(run) == (run.report / "index.html", "the answer")
    assert (run.report / "index.html").read_text() == "{}"


@pytest.mark.parametrize("place", ["tables/table3.md", "jobs/07_paper/result.json", "scores.csv"])
def test_what_it_shows_makes_it_another(run: RunPaths, place: str) -> None:
    before = source_hash(run)
    (run.root / place).write_text("another")
    assert source_hash(run) != before


def test_a_lost_page_is_noticed(run: RunPaths) -> None:
    before = pages(run.report)
    (run.report / "index.html").unlink()
    assert pages(run.report) != before
