"""Stops: passed on along the needs, told once, and no old result is left to be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.analysis import gating
from codealign.analysis.gating import Gate
from codealign.params import Params, validate
from codealign.paths import RunPaths
from codealign.records import write_jsonl
from codealign.report.overview import was_run
from codealign.workflow import plan
from codealign.workflow.execute import execute
from codealign.workflow.markers import read_result
from codealign.workflow.plan import Job, freeze, make_plan, read_plan
from codealign.workflow.state import judge_run
from codealign.workflow.stops import stop_reason, stopped, warned, write_stopped

BASE, SFT = "04_functional-nano-pretrained-base", "02_sft-nano-pretrained-functional"
REASON = f"{BASE}: R4 failed (stops training): baseline pass@1 0.010 < 0.10 (n = 20)"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in which the base's gate has said stop."""
    monkeypatch.setattr(plan, "PROJECT", tmp_path)
    params = {"profile": "mine", "models": ["nano"], "variants": ["pretrained"],
              "requirements": ["functional"], "gates": {"baseline": "stop"}}  # fmt: skip
    freeze(make_plan(validate(Params, params, "test")), "runs/mine")
    root = tmp_path / "runs/mine"
    finish(root, "01_preferences-nano-functional")
    finish(root, BASE, stop=REASON)
    return root


def finish(root: Path, job: str, **more: object) -> None:
    text = json.dumps({"line": "done", "finished": "now", "files": [], **more})
    (root / "jobs" / job / "result.json").write_text(text)


def planned(root: Path, name: str) -> Job:
    return read_plan(root, name)[0]


def test_what_needs_a_stopped_job_gets_its_reason(root: Path) -> None:
    assert stop_reason(root, planned(root, SFT)) == REASON


def test_a_job_whose_needs_said_nothing_runs(root: Path) -> None:
    finish(root, BASE)
    assert stop_reason(root, planned(root, SFT)) == ""


def test_a_stop_is_passed_on_and_the_notebooks_are_not_run(root: Path) -> None:
    align = "03_align-nano-pretrained-functional-dpo"
    for job in (SFT, align):
        params = str(root / "jobs" / job / "params.yaml")
        assert execute("there is no such notebook", str(root / "out.ipynb"), params) == 0
    assert read_result(root, align)["line"] == f"not run: {REASON}"
    assert judge_run(root)[align].result["kept"]
    assert f"Not run: {REASON}" in (root / f"notebooks/{align}.ipynb").read_text()


def test_notebooks_that_collect_go_on(root: Path) -> None:
    for job in RunPaths(root).plan()["jobs"]:
        if not (root / "jobs" / job / "result.json").exists():
            finish(root, job, stop=REASON)
    assert stop_reason(root, planned(root, "07_paper")) == ""


def test_a_reason_is_told_once_with_the_jobs_it_kept_from_running(root: Path) -> None:
    for job in (SFT, "03_align-nano-pretrained-functional-dpo"):
        write_stopped(root, planned(root, job), REASON)
    assert stopped(root, RunPaths(root).plan()["jobs"]) == [
        f"stopped: {REASON} (2 notebooks not run)"
    ]


def test_what_a_stopped_job_made_earlier_is_put_away(root: Path) -> None:
    made = root / "checkpoints/nano/sft"
    made.mkdir(parents=True)
    (made / "adapter").write_text("old")
    finish(root, SFT, outputs={"checkpoints/nano/sft/adapter": [3, 0, "hash"]})
    write_stopped(root, planned(root, SFT), REASON)
    assert not made.exists()
    assert (root / "stale/checkpoints/nano/sft/adapter").read_text() == "old"


def test_a_stopped_jobs_marker_says_what_made_it(root: Path) -> None:
    write_stopped(root, planned(root, SFT), REASON)
    assert {"commit", "versions"} <= set(read_result(root, SFT)["provenance"])


@pytest.mark.parametrize(("action", "told"), [("warn", True), ("stop", False)])
def test_a_gate_that_only_warns_is_told_too(root: Path, action, told) -> None:
    gate = Gate("R4", False, "baseline pass@1 0.010 < 0.10 (n = 20)", action)
    (root / "evals").mkdir()
    write_jsonl(root / "evals" / gating.FILE, [gate])
    finish(root, BASE, outputs={"evals/scores.jsonl": [1, 1, "hash"]})
    assert warned(root, [BASE, SFT]) == [f"warning: {BASE}: {gate}"] * told


def test_the_report_says_what_a_gate_has_kept_from_running(root: Path) -> None:
    for job in (SFT, "03_align-nano-pretrained-functional-dpo"):
        write_stopped(root, planned(root, job), REASON)
    made = {"commit": "abc", "device": "CPU", "versions": {}}
    for job in ("01_preferences-nano-functional", BASE):
        finish(root, job, provenance=made, seconds=30.0)
    body = was_run(RunPaths(root), judge_run(root)).body
    assert f"Kept from running by a gate: {SFT}, " in body
