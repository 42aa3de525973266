"""What tables and figures read of a run besides its scores."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from codealign.analysis import survey
from codealign.analysis.context import read_context
from codealign.records import write_jsonl, write_text


def test_records_are_counted_by_step(tmp_path: Path) -> None:
    folder = tmp_path / "prefs" / "nano" / "functional"
    write_jsonl(folder / "seeds.jsonl", [{"id": i} for i in range(3)])
    write_jsonl(folder / "pairs.jsonl", [{"id": 1}])
    write_jsonl(folder / "notes.jsonl", [{"id": 1}])
    assert read_context(tmp_path).counts == {("nano", "functional"): {"seeds": 3, "pairs": 1}}


def test_what_came_of_the_executions_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "prefs" / "nano" / "functional"
    verdicts = ("pass", "pass", "fail", "timeout", "crash", "untested")
    write_jsonl(folder / "executions.jsonl", [{"id": v, "verdict": v} for v in verdicts])
    checks = ("real", "tests restate the solution")
    write_jsonl(folder / "checks.jsonl", [{"id": v, "verdict": v} for v in checks])
    expected = {"executions": 6, "passing": 2, "failing": 3, "proven": 1}
    assert read_context(tmp_path).counts == {("nano", "functional"): expected}


def test_counts_of_several_seeds_are_their_mean(tmp_path: Path) -> None:
    parts = ["seeds/0", "seeds/1", "seeds/1/ablations/prefs/few"]
    write_text(tmp_path / "plan.lock.json", json.dumps({"parts": parts}))
    for part, n in zip(parts, (10, 14, 99), strict=True):
        write_jsonl(tmp_path / part / "prefs/nano/functional/pairs.jsonl", [{"id": 0}] * n)
    assert read_context(tmp_path).counts == {("nano", "functional"): {"pairs": 12}}


def test_a_run_that_has_nothing_yet_is_empty(tmp_path: Path) -> None:
    found = read_context(tmp_path)
    assert found.counts == {} and found.shares is None and found.agreement is None


def test_shares_derived_from_the_print_are_no_measurement(tmp_path: Path) -> None:
    write_text(tmp_path / "survey.csv", survey.published_shares().to_csv(index=False))
    assert read_context(tmp_path).shares is None


def test_counted_shares_are_read(tmp_path: Path) -> None:
    answers = [{q: [survey.questions()[q].options[0]] for q in survey.questions()}]
    write_text(tmp_path / "survey.csv", survey.shares(answers).to_csv(index=False))
    found = read_context(tmp_path).shares
    assert isinstance(found, pd.DataFrame) and (found["n"] == 1).all()
