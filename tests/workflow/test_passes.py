"""What a run makes of a pass of the scheduler in which something was lost; no job runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from codealign.workflow import reproduce
from codealign.workflow.plan import Job
from codealign.workflow.run import LOCAL, RunOutcome
from codealign.workflow.state import DONE, FAILED, OUTDATED, TO_DO, State

A, B = Job("a", "02_sft", {}), Job("b", "04_functional", {}, ["a"])


@pytest.fixture
def passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `a` and `b` by passes of (Snakemake's code, kinds after it, jobs begun, jobs failed)."""

    def run(*planned: tuple[int, str, str, str, str]) -> tuple[int, list[list[str]]]:
        asked: list[list[str]] = []
        states = {"a": TO_DO, "b": TO_DO}
        left = list(planned)

        def run_plan(_run, jobs, _cores, _lock, watcher, _profile) -> RunOutcome:
            asked.append([job.name for job in jobs])
            code, states["a"], states["b"], began, failed = left.pop(0)
            driver = tmp_path / "runs/x/.driver"
            driver.mkdir(parents=True, exist_ok=True)
            for name in began:
                (driver / f"{name}.began").touch()
            watcher.failed |= set(failed)
            return RunOutcome(code, 1, 1)

        monkeypatch.setattr(reproduce, "PROJECT", tmp_path)
        monkeypatch.setattr(reproduce, "run_plan", run_plan)
        monkeypatch.setattr(reproduce.preflight, "require", lambda *a, **k: None)
        monkeypatch.setattr(
            reproduce, "judge", lambda root, jobs: {j.name: State(states[j.name]) for j in jobs}
        )
        (tmp_path / "runs/x").mkdir(parents=True, exist_ok=True)
        outcome = reproduce._run("runs/x", [A, B], 1, 0, LOCAL, quiet=True)
        assert not left
        return outcome.code, asked

    return run


def test_what_waits_for_a_job_whose_shell_was_killed_is_started(passes) -> None:
    assert passes((1, DONE, TO_DO, "a", ""), (0, DONE, DONE, "b", "")) == (0, [["a", "b"], ["b"]])


def test_a_run_of_which_every_job_is_done_has_not_failed(passes) -> None:
    assert passes((1, DONE, DONE, "ab", "")) == (0, [["a", "b"]])


def test_a_scheduler_that_starts_nothing_is_not_asked_again(passes) -> None:
    assert passes((1, TO_DO, TO_DO, "", "")) == (1, [["a", "b"]])


def test_a_killed_scheduler_ends_the_run(passes) -> None:
    assert passes((-9, DONE, TO_DO, "a", "")) == (-9, [["a", "b"]])


def test_a_job_that_failed_is_not_started_again(passes) -> None:
    assert passes((1, FAILED, TO_DO, "a", "a")) == (1, [["a", "b"]])


def test_nor_one_that_failed_without_a_marker_though_it_has_an_older_result(passes) -> None:
    assert passes((1, OUTDATED, TO_DO, "a", "a")) == (1, [["a", "b"]])


def test_what_is_lost_for_ever_is_given_up(passes) -> None:
    lost = (1, TO_DO, TO_DO, "a", "")
    code, asked = passes(*[lost] * (1 + reproduce.RESTARTS))
    assert code == 1 and len(asked) == 1 + reproduce.RESTARTS
