"""What made a run: every different value is told, settings by stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codealign.paths import RunPaths
from codealign.report.provenance import provenance_blocks
from codealign.workflow.state import judge_run

JOBS = {
    "01": {"commit": "abc", "seed": 0, "versions": {"torch": "1"}, "settings": {"a": {"x": ""}}},
    "02": {"commit": "def", "seed": 0, "versions": {"torch": "1"}, "settings": {"b": {"y": [1]}}},
    "03": {},
}


@pytest.fixture
def blocks(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "plan.lock.json").write_text(json.dumps({"jobs": dict.fromkeys(JOBS, {})}))
    for job, provenance in JOBS.items():
        if provenance:
            write(tmp_path / "jobs" / job, {"line": "", "seconds": 1, "provenance": provenance})
    return {
        block.anchor: block.body
        for block in provenance_blocks(RunPaths(tmp_path), judge_run(tmp_path))
    }


def write(folder: Path, result: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result))


def test_values_that_differ_between_jobs_are_all_told(blocks) -> None:
    assert '<td data-label="Value">abc, def</td>' in blocks["made"]


def test_a_value_that_all_jobs_share_is_told_once(blocks) -> None:
    assert '<td data-label="Value" class="num">0</td>' in blocks["made"]
    assert '<td data-label="Value" class="num">1</td>' in blocks["versions"]


def test_each_stage_has_its_settings_and_an_empty_one_is_seen(blocks) -> None:
    assert list(blocks)[2:4] == ["set-a", "set-b"]
    assert "&#34;&#34;" in blocks["set-a"]
    assert "[1]" in blocks["set-b"]


def test_a_run_of_which_nothing_has_finished_says_so(tmp_path: Path) -> None:
    (tmp_path / "plan.lock.json").write_text(json.dumps({"jobs": {"01": {}}}))
    (block,) = provenance_blocks(RunPaths(tmp_path), judge_run(tmp_path))
    assert "No job has finished" in block.body


def test_the_command_that_repeats_the_run_names_commit_and_profile(blocks, tmp_path: Path) -> None:
    (tmp_path / "jobs/01/params.yaml").write_text("profile: mine")
    body = provenance_blocks(RunPaths(tmp_path), judge_run(tmp_path))[0].body
    # two jobs ran at different commits: the last one's
    assert "git checkout def\ncodealign reproduce --params params/mine.yaml</pre>" in body
    assert "no commit holds" not in body


def test_time_memory_and_processor_are_told(blocks, tmp_path: Path) -> None:
    cost = {"code": 0, "jobs": 3, "peak_mb": 1263, "cores": 2, "seconds": 90, "processor": "A chip"}
    (tmp_path / "cost.json").write_text(json.dumps(cost))
    body = provenance_blocks(RunPaths(tmp_path), judge_run(tmp_path))[0].body
    for told in ("A chip", "1,263 MiB", ">1.5<"):
        assert told in body
