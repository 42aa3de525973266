"""The sample browser's data: every answer of a problem side by side, from the run's own files."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from made_up_report import attempt, write_answers

from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import STAGES, write_jsonl
from codealign.report.samples import LONGEST, PLACES, samples_block

PTA_BASE, PTA_DPO = PLACES.index(("pretrained", "base")), PLACES.index(("pretrained", "dpo"))
FTA_DPO = PLACES.index(("finetuned", "dpo"))


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    paths = RunPaths(tmp_path)
    write_answers(paths)
    return paths


def data(run: RunPaths, name: str) -> dict[str, Any]:
    samples_block(run)
    text = (run.report / f"samples/nano-{name}.js").read_text("utf-8")
    return json.loads(text.removeprefix(f'samples("nano-{name}", ').removesuffix(");\n"))


def cells(found: dict[str, Any], id: str) -> list[Any]:
    return next(row[2:] for row in found["rows"] if row[0] == id)


def test_each_place_has_its_answer_and_verdict(run: RunPaths) -> None:
    found = data(run, "humaneval")
    gained = cells(found, "Nano/1")
    text, value, kind, _, n = gained[PTA_DPO]
    assert found["texts"][text] == "def f():\n    return 'dpo'"
    assert (value, kind, n) == (1, "", 1)
    assert gained[PTA_BASE][1:3] == [0, "wrong"]


def test_a_failure_comes_with_its_first_failing_call(run: RunPaths) -> None:
    assert cells(data(run, "humaneval"), "Nano/0")[FTA_DPO][3] == ["(3)", "base test 1: wanted 4"]


def test_a_stage_that_was_not_evaluated_is_empty_not_failed(run: RunPaths) -> None:
    at = PLACES.index(("pretrained", "sft"))
    assert cells(data(run, "humaneval"), "Nano/0")[at] is None


def test_a_pathway_that_nobody_ran_has_no_column(run: RunPaths) -> None:
    shutil.rmtree(run.root / "evals/nano/pretrained")
    block = samples_block(run)
    columns = json.loads(re.search(r"data-columns='([^']*)'", block.body)[1])
    assert {pathway for pathway, _ in columns} == {"FTA"} and len(columns) == len(STAGES)
    assert "PTA" not in block.body
    assert len(cells(data(run, "humaneval"), "Nano/0")) == len(STAGES)


def test_the_prompt_is_that_of_the_benchmark_the_run_used(run: RunPaths) -> None:
    prompt = next(row[1] for row in data(run, "humaneval")["rows"] if row[0] == "Nano/0")
    assert prompt.startswith(("def ", "from ", "import "))


def test_of_several_samples_the_share_that_passes_is_told(run: RunPaths) -> None:
    folder = run.evals(Cell("nano", "pretrained", "functional", "base")) / "humaneval"
    several = [attempt(0, "a", False), attempt(0, "b", True), attempt(0, "c", True)]
    write_jsonl(folder / "attempts.jsonl", [{**a, "index": i} for i, a in enumerate(several)])
    found = data(run, "humaneval")
    text, value, *_, n = cells(found, "Nano/0")[PTA_BASE]
    assert (found["texts"][text], n) == ("a", 3)
    assert value == pytest.approx(2 / 3)


def test_where_nothing_was_extracted_the_whole_answer_is_shown(run: RunPaths) -> None:
    folder = run.evals(Cell("nano", "pretrained", "functional", "base")) / "humaneval"
    lost = {**attempt(0, "import re", False), "kind": "no_answer"}
    write_jsonl(folder / "attempts.jsonl", [lost])
    whole = {"id": "Nano/0#0", "completion": "import re\nI cannot do that."}
    write_jsonl(folder / "completions.jsonl", [whole])
    found = data(run, "humaneval")
    assert found["texts"][cells(found, "Nano/0")[PTA_BASE][0]] == whole["completion"]


def test_a_rated_answer_has_its_rating_and_its_parts(run: RunPaths) -> None:
    found = data(run, "codal_style")
    assert found["scale"] == 10
    assert cells(found, "NanoCodal/style/0")[PTA_BASE][1:4] == [7.0, "", ["", "names 0.5"]]


def test_a_long_answer_is_cut_and_says_so(run: RunPaths) -> None:
    folder = run.evals(Cell("nano", "pretrained", "functional", "base")) / "humaneval"
    write_jsonl(folder / "attempts.jsonl", [attempt(0, "x" * (LONGEST + 7), True)])
    found = data(run, "humaneval")
    assert any(text.endswith("\n… 7 characters more") for text in found["texts"])


def test_an_answer_cannot_end_the_script_it_stands_in(run: RunPaths) -> None:
    folder = run.evals(Cell("nano", "pretrained", "functional", "base")) / "humaneval"
    write_jsonl(folder / "attempts.jsonl", [attempt(0, '</script>\u2028"', True)])
    found = data(run, "humaneval")  # reads it back as JSON
    assert '</script>\u2028"' in found["texts"]


def test_a_run_without_answers_says_so(tmp_path: Path) -> None:
    assert "No evaluation has finished" in samples_block(RunPaths(tmp_path)).body
