"""Scores, their counts, and files that evalplus reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.verdicts import Attempt
from codealign.evaluate.functional.wording import closing_line


def attempt(task_id: str, index: int, base: str, plus: str, kind: str = "") -> Attempt:
    return Attempt(task_id, index, f"code {index}", base, plus, kind, "", 0.0)


def results(benchmark: str = "humaneval") -> Results:
    """A: 2 of 3 pass base, 1 of 3 plus. B: 1 of 1. C: only a sandbox error. D: no sample."""
    attempts = {
        "A": [
            attempt("A", 0, "pass", "pass"),
            attempt("A", 1, "pass", "fail", "wrong"),
            attempt("A", 2, "timeout", "pass", "timeout"),
        ],
        "B": [attempt("B", 0, "pass", "pass")],
        "C": [attempt("C", 0, "", "", "sandbox_error")],
    }
    return Results(benchmark, attempts, ["D"], "strong", "abc")


def test_values_are_shares_of_passing_samples_and_none_where_unscored() -> None:
    values = results().values()
    assert values["humaneval"] == {"A": pytest.approx(2 / 3), "B": 1.0, "C": None, "D": None}
    assert values["humaneval_plus"] == {"A": pytest.approx(1 / 3), "B": 1.0, "C": None, "D": None}


def test_a_plus_pass_needs_a_base_pass() -> None:
    assert not results().attempts["A"][2].passed


def test_scores_say_n_and_missing() -> None:
    rows = results().scores()
    assert [(r["benchmark"], r["metric"], r["n"], r["missing"]) for r in rows] == [
        ("humaneval", "pass@1", 2, 2),
        ("humaneval_plus", "pass@1", 2, 2),
    ]
    assert rows[0]["value"] == pytest.approx((2 / 3 + 1) / 2)


def test_pass_at_k_is_unbiased_and_needs_k_samples() -> None:
    """A: 1 - C(1,2)/C(3,2) = 1 with two of three right; plus: 1 - C(2,2)/C(3,2) = 2/3."""
    scored = results()
    assert scored.pass_at_k("A", 2, base_only=True) == pytest.approx(1.0)
    assert scored.pass_at_k("A", 2) == pytest.approx(2 / 3)
    assert scored.pass_at_k("B", 2) is None
    rows = {(r["benchmark"], r["metric"]): r for r in scored.scores(k=(1, 2))}
    assert (rows["humaneval", "pass@2"]["n"], rows["humaneval", "pass@2"]["missing"]) == (1, 3)


def test_an_evoeval_category_has_one_score_of_all_its_tests() -> None:
    scored = results("evoeval_verbose")
    assert list(scored.values()) == ["evoeval_verbose"]
    assert scored.values()["evoeval_verbose"]["A"] == pytest.approx(1 / 3)


def test_each_score_tells_the_failures_of_its_own_tests() -> None:
    """Of A, one sample fails the added tests alone, another times out on the base."""
    assert results().failures_as_text() == {
        "humaneval": "timeout 1, sandbox_error 1",
        "humaneval_plus": "wrong 1, timeout 1, sandbox_error 1",
    }


def test_failures_are_counted_by_kind() -> None:
    assert results().failures == {"wrong": 1, "timeout": 1, "sandbox_error": 1, "missing": 1}


def test_nothing_scored_is_none_not_zero() -> None:
    scored = Results("humaneval", {}, ["D"], "strong", "abc")
    assert [(r["value"], r["n"]) for r in scored.scores()] == [(None, 0), (None, 0)]
    assert "none (n=0, 1 missing)" in closing_line(scored)


def test_files_are_in_evalplus_formats(tmp_path: Path) -> None:
    results().write(tmp_path)
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").open()]
    assert samples[0] == {"task_id": "A", "solution": "code 0"}
    data = json.loads((tmp_path / "samples_eval_results.json").read_text())
    assert set(data) == {"date", "hash", "eval"}
    assert data["eval"]["A"][1] == {
        "task_id": "A",
        "solution": "code 1",
        "base_status": "pass",
        "plus_status": "fail",
        "base_fail_tests": [],
        "plus_fail_tests": [],
    }


def test_an_empty_solution_and_a_sandbox_error_are_written_as_such(tmp_path: Path) -> None:
    scored = results()
    scored.attempts["B"] = [Attempt("B", 0, "", "fail", "fail", "no_answer", "", 0.0)]
    scored.write(tmp_path)
    data = json.loads((tmp_path / "samples_eval_results.json").read_text())["eval"]
    assert data["B"][0]["solution"] == ""
    assert (data["C"][0]["base_status"], data["C"][0]["plus_status"]) == (None, None)


def test_evalplus_own_reader_takes_the_samples(tmp_path: Path) -> None:
    from evalplus.data import load_solutions

    results().write(tmp_path)
    read = list(load_solutions(str(tmp_path / "samples.jsonl")))
    assert [r["task_id"] for r in read] == ["A", "A", "A", "B", "C"]
