"""What a driver says while jobs run, from the marks they leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign import progress
from codealign.progress import Bar
from codealign.records import write_text
from codealign.workflow import causes, markers, watch
from codealign.workflow.plan import Job
from codealign.workflow.run import hand_to_driver
from codealign.workflow.watch import Watcher

FIRST, SECOND = (
    Job("02_sft-a", "02_sft", {}),
    Job("04_functional-a", "04_functional", {}, ["02_sft-a"]),
)


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    hand_to_driver(tmp_path, [FIRST, SECOND])
    return Watcher(tmp_path, [FIRST, SECOND], done=3)


def mark(watcher: Watcher, job: Job, kind: str, text: str = "") -> None:
    (watcher.root / f".driver/{job.name}.{kind}").write_text(text)


def finish(watcher: Watcher, job: Job, seconds: float) -> None:
    mark(watcher, job, "began")
    markers.write_result(watcher.root, job.name, "3 steps", seconds=seconds)
    mark(watcher, job, "ended")
    watcher.look()


def test_a_start_and_a_result_are_told_once(watcher: Watcher, capsys) -> None:
    mark(watcher, FIRST, "began")
    watcher.look()
    watcher.look()
    assert capsys.readouterr().out == "           0.0 min  02_sft-a starts\n"
    finish(watcher, FIRST, 60.0)
    watcher.look()
    assert capsys.readouterr().out == "[4/5]      0.0 min  02_sft-a: 3 steps\n"
    assert watcher.ran == 1


def test_a_job_that_was_left_as_it_is_has_not_run(tmp_path: Path, capsys) -> None:
    markers.write_result(tmp_path, FIRST.name, "3 steps", seconds=60.0)
    hand_to_driver(tmp_path, [FIRST])
    watcher = Watcher(tmp_path, [FIRST])
    mark(watcher, FIRST, "ended")
    watcher.look()
    assert (
        "not run again: what it depends on came out as it was (3 steps)" in capsys.readouterr().out
    )
    assert watcher.ran == 0


def test_a_failure_is_told_when_it_happens_even_if_quiet(watcher: Watcher, capsys) -> None:
    watcher.quiet = True
    mark(watcher, FIRST, "began")
    markers.write_failure(watcher.root, FIRST.name, error="ValueError: no pairs", cell=3)
    watcher.look()
    watcher.look()
    said = capsys.readouterr().out
    assert said.startswith("failed: 02_sft-a: ValueError: no pairs\n  traceback in ")
    assert said.count("failed") == 1


# A shell gives 128 and the signal's number; 1 is what `start` gives for a fork that was killed.
@pytest.mark.parametrize(
    ("code", "how"), [("137", "was ended by SIGKILL"), ("1", "without a word")]
)
def test_a_process_that_left_no_error_has_failed(
    watcher: Watcher, capsys, code: str, how: str
) -> None:
    mark(watcher, FIRST, "began")
    mark(watcher, FIRST, "code", code)
    watcher.look()
    said = capsys.readouterr().out
    assert "failed: 02_sft-a: its process " in said and how in said
    assert how in markers.read_failure(watcher.root, FIRST.name)


def test_on_a_cluster_a_killed_process_is_left_to_be_started_again(watcher: Watcher) -> None:
    watcher.local = False
    mark(watcher, FIRST, "began")
    mark(watcher, FIRST, "code", "137")
    watcher.look()
    assert markers.read_failure(watcher.root, FIRST.name) == ""


def test_a_new_driver_forgets_the_failures_and_marks_of_the_last(watcher: Watcher) -> None:
    markers.write_failure(watcher.root, FIRST.name, error="ValueError")
    mark(watcher, FIRST, "ended")
    hand_to_driver(watcher.root, [FIRST])
    assert markers.read_failure(watcher.root, FIRST.name) == ""
    assert [p.name for p in (watcher.root / ".driver").iterdir()] == ["jobs.json"]


def test_scheduled_are_the_jobs_to_run_with_those_of_their_needs_that_run_too(tmp_path) -> None:
    hand_to_driver(tmp_path, [SECOND])
    jobs = json.loads((tmp_path / ".driver/jobs.json").read_text())
    assert {name: entry["needs"] for name, entry in jobs.items()} == {SECOND.name: []}


def test_how_far_a_job_is_comes_from_its_bar(watcher: Watcher, capsys, monkeypatch) -> None:
    note = watcher.root / "jobs" / FIRST.name / "progress.json"
    note.parent.mkdir(parents=True)
    write_text(note, json.dumps({"what": "responses", "n": 120, "total": 360, "rate": 2.0}))
    mark(watcher, FIRST, "began")
    watcher.look()
    monkeypatch.setattr(watcher, "pause", -1.0)
    watcher.look()
    # (360 - 120) / 2 = 120 s
    printed = capsys.readouterr().out
    assert "02_sft-a: responses 120 of 360, 2.0 per second, 2.0 min left\n" in printed


def test_the_time_left_is_that_of_like_notebooks_on_all_cores(tmp_path: Path) -> None:
    more = [Job(f"02_sft-{n}", "02_sft", {}) for n in range(5)]
    hand_to_driver(tmp_path, more)
    watcher = Watcher(tmp_path, more, cores=2)
    finish(watcher, more[0], 60.0)
    # four like it take a minute each, two at once
    assert watcher.left() == "about 2.0 min left for 4 notebooks"


def test_a_chain_of_jobs_takes_as_long_as_all_of_it(watcher: Watcher) -> None:
    seconds = {FIRST.name: 60.0, SECOND.name: 30.0}
    assert watch._longest_chain([FIRST, SECOND], seconds) == 90.0


def test_what_was_never_measured_is_said_to_be_unknown(watcher: Watcher) -> None:
    assert watcher.left() == ""
    third = Job("02_sft-b", "02_sft", {})
    watcher.jobs[third.name], watcher.earlier[third.name] = third, {}
    finish(watcher, FIRST, 60.0)
    assert watcher.left() == "about 1.0 min left for 2 notebooks, and what 04_functional will take"


def test_a_bar_notes_how_far_it_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(progress.NOTE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "EVERY_S", -1.0)
    with Bar(total=4, desc="checks", mininterval=0) as bar:
        bar.update(3)
        bar.refresh()
        note = json.loads((tmp_path / "progress.json").read_text())
    assert (note["what"], note["n"], note["total"]) == ("checks", 3, 4) and note["rate"] > 0


def test_a_full_disk_is_named_with_what_is_needed(tmp_path: Path, monkeypatch) -> None:
    assert causes.full_disk(tmp_path) == ""
    monkeypatch.setattr(causes, "FULL", 1 << 60)
    assert causes.full_disk(tmp_path / "not/yet").startswith(f"disk full at {tmp_path}/not/yet: ")


def test_a_kill_for_want_of_memory_is_told_as_such(monkeypatch) -> None:
    monkeypatch.setattr(causes, "oom_kills", lambda: 3)
    assert "out of memory" in causes.died("its kernel", -9, 2)
    assert "out of memory" not in causes.died("its kernel", -9, 3)
    assert "SIGSEGV" in causes.died("its kernel", -11, 3)
