"""The coverage script: what it asks, and that rows computed already stay those of their world."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codealign.paths import PROJECT

if not (PROJECT / "benchmarks").exists():
    pytest.skip("the script is in the repository alone", allow_module_level=True)
spec = importlib.util.spec_from_file_location("coverage_", PROJECT / "benchmarks" / "coverage.py")
coverage = sys.modules["coverage_"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)
World = coverage.World


def test_one_seed_tells_no_side_of_any_question_of_the_ledger() -> None:
    told = coverage.ledger_told(World(False, 1, 3.4), 1, 7)
    assert {"O4-wins", "intro-gain-functional"} <= set(told)
    assert not any(any(values) for values in told.values())


def test_equal_weights_techniques_and_relative_differences_are_counted() -> None:
    held = coverage.more(World(False, 2, 0.0), 1, 7)
    assert {"ends, F1, F2, F4 alike", "BoNBoN - DPO"} <= set(held)
    assert "relative, PTA - FTA" in coverage.headlines(World(False, 2, 0.0), 1, 7)


def test_only_worlds_that_lack_are_computed_and_the_page_has_them_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = World(False, 2, 0.0), World(False, 3, 0.0)
    asked = []

    def told(world, count: int, seed: int) -> dict[str, list[bool]]:
        asked.append(world)
        return {"x": [True] * count}

    part = replace(coverage.PARTS["more"], asked=told, worlds=(first, second))
    monkeypatch.setattr(coverage, "PARTS", {"more": part})
    file = tmp_path / "more.jsonl"
    file.write_text(json.dumps([vars(second), {"x": [False, False]}]) + "\n")
    coverage.compute("more", 2, file)
    assert asked == [first]
    rows = [line for line in coverage.page(tmp_path).splitlines() if line.startswith("| nano")]
    assert [row.split("|")[2].strip() for row in rows] == ["2", "3"]
    assert "| 100.0 ±" in rows[0] and "| 0.0 ±" in rows[1]
