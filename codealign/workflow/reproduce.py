"""`codealign reproduce`: plan, run, report, and a closing summary."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, replace
from pathlib import Path

from codealign.errors import CodealignError, nearest
from codealign.params import Params, load_params
from codealign.paths import INSTALLED, PACKAGE, PROJECT, RunPaths
from codealign.provenance import file_hash
from codealign.records import stable_id, write_text
from codealign.registry import check_variants
from codealign.workflow import causes, preflight
from codealign.workflow.environment import processor
from codealign.workflow.lock import held
from codealign.workflow.markers import FAILURE, RESULT, read_marker
from codealign.workflow.plan import Job, check_parameters, freeze, make_plan, select
from codealign.workflow.run import LOCAL, RunOutcome, run_plan
from codealign.workflow.slurm import cancel_leftovers, check_cluster
from codealign.workflow.state import DONE, FAILED, OLDER, TO_DO, State, judge, state_lines
from codealign.workflow.stops import stopped, warned
from codealign.workflow.watch import Watcher

RESTARTS = 3
"""How often jobs that were lost are started again, before the run gives up."""


def reproduce(
    params_file: Path,
    cores: int,
    only: str = "",
    dry_run: bool = False,
    profile: str = "local",
    quiet: bool = False,
    changes: Sequence[str] = (),
    report: bool = True,
) -> int:
    """Run a profile; return 0, or 1 if a job failed.

    Parameters
    ----------
    params_file : e.g. `params/nano.yaml`.
    cores : notebook jobs at once.
    only : run one notebook (`02_sft` or `sft`), or several with commas, and what they need.
    dry_run : say which jobs would run, and why; start none and write nothing.
    profile : folder in `workflow/profiles`.
    quiet : say failures and the closing summary alone.
    changes : settings in place of the profile's, as `params.load_params` takes them.
    report : build the report in the end and say the summary.

    Raises
    ------
    CodealignError
        No project folder, a fault in the parameters, an unknown profile, no room on the disk, an
        interrupt, or another process is at work on this run.
    """
    if PROJECT == INSTALLED:
        todo = "no notebooks/ and params/ here; `codealign init my-study`, then run it in my-study/"
        raise CodealignError(f"{Path.cwd()}: {todo}")
    params = load_params(params_file, changes)
    _check_scheduler(profile, dry_run)
    run = f"runs/{params.profile}"
    for model in params.models:
        check_variants(model, params.variants)
    plan = make_plan(params, run)
    jobs = select(plan, only) if only else plan
    if dry_run:
        return _show_plan(PROJECT / run, jobs)
    started = time.monotonic()
    with held(PROJECT / run / ".lock", 30, run) as lock:
        freeze(plan, run, params.note)
        outcome = _run(run, jobs, cores, lock, profile, quiet)
    if report:
        _close(params, run, jobs, outcome, cores, time.monotonic() - started)
    elif outcome.code:
        print("\n".join(unfinished(PROJECT / run, jobs)))
    return 1 if outcome.code else 0


def _check_scheduler(profile: str, dry_run: bool) -> None:
    """Refuse an unknown profile, and to start jobs where the cluster's commands are missing."""
    profiles = [p.name for p in sorted((PROJECT / "workflow/profiles").glob("*/"))]
    if profile != LOCAL and profile not in profiles:
        raise CodealignError(
            f"--profile {profile}: no such folder in workflow/profiles" + nearest(profile, profiles)
        )
    if profile != LOCAL and not dry_run:
        check_cluster(profile)


def _show_plan(root: Path, jobs: Sequence[Job]) -> int:
    """Print what would run, each with the reason, and what that took the last time."""
    for job in jobs:
        check_parameters(job)
    states = judge(root, jobs)
    print("\n".join(state_lines(states)))
    again = [state.result.get("seconds", 0) for state in states.values() if state.kind != DONE]
    if any(again):
        print(f"those of them that ran before took {sum(again) / 60:.1f} min, one after another")
    return 0


def _run(run: str, jobs: list[Job], cores: int, lock: int, profile: str, quiet: bool) -> RunOutcome:
    """Run the jobs; start again those that were lost, and go on with those that wait for them."""
    root = PROJECT / run
    states = judge(root, jobs)
    todo = [job for job in jobs if states[job.name].kind != DONE]
    _announce(run, states, cores, profile, quiet)
    if todo:
        preflight.require(todo, root, local=profile == LOCAL)
    write_text(root / "snakemake.log", "")
    outcome, failed = RunOutcome(0, 0, 0), set[str]()
    for attempt in range(1 + RESTARTS):
        if not todo:
            break
        if profile != LOCAL and (left := cancel_leftovers(root)):
            print(f"ended {left} jobs that a driver before this one left in the queue", flush=True)
        done = sum(state.kind == DONE for state in states.values())
        watcher = Watcher(root, todo, done, cores, quiet, profile == LOCAL)
        last = run_plan(run, todo, cores, lock, watcher, profile)
        outcome = outcome.then(last)
        # A failure that a full disk kept from leaving a marker is known to the watcher alone.
        states, failed = judge(root, jobs), failed | watcher.failed
        again = [name for name in lost(states, jobs) if name not in failed]
        # A scheduler that was killed on this machine was meant to end, with all that it started;
        # one that starts nothing will not do so the next time.
        over = (profile == LOCAL and last.code < 0) or not any((root / ".driver").glob("*.began"))
        if not (last.code and again) or over or attempt == RESTARTS:
            break
        todo = worth_a_start(states, jobs, failed)
        names = ", ".join(again)
        print(f"killed, or lost by the scheduler, and started now: {names}", flush=True)
    kinds = {name: state.kind for name, state in states.items()}
    if all(kind == DONE for kind in kinds.values()):
        return replace(outcome, code=0)  # whatever happened to a process after its result
    open_ = any(kind in (FAILED, TO_DO) or name in failed for name, kind in kinds.items())
    return replace(outcome, code=outcome.code or int(open_))


def _announce(run: str, states: Mapping[str, State], cores: int, profile: str, quiet: bool) -> None:
    """Say what is to be done, and where results that are there are made again, why."""
    open_ = {name: state for name, state in states.items() if state.kind != DONE}
    where = f"on {cores} cores" if profile == LOCAL else f"by profile {profile}"
    print(
        f"{run}: {len(states)} notebooks, {len(open_)} of them to run {where}; "
        f"log: {run}/snakemake.log",
        flush=True,
    )
    older = [name for name, state in open_.items() if state.reason == OLDER]
    if older:
        print(f"{len(older)} notebooks: {OLDER}", flush=True)
    again = [n for n, s in open_.items() if s.result and n not in older] if not quiet else []
    for name in again:
        took = open_[name].result.get("seconds", 0) / 60
        print(f"again: {name} (took {took:.1f} min): {open_[name].reason}", flush=True)


def lost(states: Mapping[str, State], jobs: Sequence[Job]) -> list[str]:
    """Return jobs that could have run and left neither a result nor an error.

    They were killed, or their node was lost: unlike a notebook that failed, they are worth another
    start.
    """
    ready = [
        job.name
        for job in jobs
        if all(n not in states or states[n].kind == DONE for n in job.needs)
    ]
    return [name for name in ready if states[name].kind not in (DONE, FAILED)]


def worth_a_start(
    states: Mapping[str, State], jobs: Sequence[Job], failed: Set[str] = frozenset()
) -> list[Job]:
    """Return the jobs that are not done, but for those that failed and those that need them.

    `failed` are names of jobs that failed without leaving a marker, as on a full disk.
    """
    barred = set(failed)
    for job in jobs:  # in the plan's order, each after those it needs
        if states[job.name].kind == FAILED or not barred.isdisjoint(job.needs):
            barred.add(job.name)
    return [job for job in jobs if states[job.name].kind != DONE and job.name not in barred]


def _close(
    params: Params, run: str, jobs: list[Job], outcome: RunOutcome, cores: int, seconds: float
) -> None:
    """Say what did not come to its end, build the report, and close with the summary."""
    root, names = PROJECT / run, [job.name for job in jobs]
    if outcome.code:
        print("\n".join(unfinished(root, jobs)))
    if outcome.jobs:  # before the report, which shows it
        cost = {**asdict(outcome), "cores": cores, "seconds": round(seconds, 1)}
        write_text(root / "cost.json", json.dumps({**cost, "processor": processor()}) + "\n")
    try:
        index, text = closing(RunPaths(root))
        print(text)
        print(f"report: {os.path.relpath(index, PROJECT)}")
    except (CodealignError, OSError, ValueError, KeyError) as error:
        print(f"report not built: {type(error).__name__}: {error}")
    if params.note:
        print(f"note: {params.note.strip()}")
    for line in (*warned(root, names), *stopped(root, names)):
        print(line)
    print(f"{'failed' if outcome.code else 'done'} after {seconds / 60:.1f} min")
    if outcome.code:
        print(f"fix the cause and run the same command again; log: {run}/snakemake.log")


def unfinished(root: Path, jobs: Sequence[Job]) -> list[str]:
    """Return a line for each job that is not done: why it failed, or what it waits for.

    Where no job failed but some were lost, the scheduler's last lines follow.
    """
    states = judge(root, jobs)
    failed = [name for name, state in states.items() if state.kind == FAILED]
    stuck = [name for name in lost(states, jobs) if states[name].kind != FAILED]
    lines = [states[name].line(name) for name in failed]
    lines += [_last_words(root, name) for name in stuck]
    waiting = [n for n, s in states.items() if s.kind != DONE and n not in (*failed, *stuck)]
    lines += [f"not run: {name} ({states[name].reason})" for name in waiting]
    if not failed and stuck and not causes.full_disk(root):
        log = (root / "snakemake.log").read_text(encoding="utf-8", errors="replace").splitlines()
        lines += [
            "no notebook failed; Snakemake's last lines:",
            *(f"  {line}" for line in log[-8:]),
        ]
    return lines


def _last_words(root: Path, name: str) -> str:
    """Return what is known of a job that ended without result and without error."""
    if full := causes.full_disk(root):
        return f"failed: {name}: {full}"
    log = root / "jobs" / name / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    last = next((line for line in reversed(lines) if line.strip()), "")
    began = (root / ".driver" / f"{name}.began").exists()
    if not began:
        return f"not run: {name} (was not started)"
    return f"failed: {name}: ended without an error; the last line of its log: {last or 'none'}"


# The report and the closing text of a run, made anew only if something they show has changed.

KEPT = ".closing.json"
"""In the report's folder: what it was made from, its pages, and the text that closes a run."""
SHOWN = ("tables", "figures", "notebooks", "evals", "prefs", "checkpoints")
"""Folders of a run whose files a report shows or counts."""


def closing(paths: RunPaths) -> tuple[Path, str]:
    """Return the report's first page and the closing text, built anew if need be.

    A run of which nothing changed, nor the code that shows it, keeps both: what loads the tables
    and draws the pages takes most of the time of a call that has nothing to do.
    """
    index, kept = paths.report / "index.html", read_marker(paths.report / KEPT)
    source = source_hash(paths)
    if kept.get("made_from") == source and kept.get("pages") == pages(paths.report):
        return index, kept["text"]
    from codealign.analysis.answer import closing_text
    from codealign.report import build_report

    index = build_report(paths)
    text = closing_text(paths.root)
    facts = {"made_from": source, "pages": pages(paths.report), "text": text}
    write_text(paths.report / KEPT, json.dumps(facts) + "\n")
    return index, text


def source_hash(paths: RunPaths) -> str:
    """Return a hash of the package's files and the markers, and of what else is in the run.

    Of the run's other files size and time count: a wrong guess only builds the report again.
    """
    read = [p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".yaml", ".css", ".js", ".html")]
    read += [p for name in (RESULT, FAILURE) for p in paths.jobs.glob(f"*/{name}")]
    read += [*paths.root.glob("*.json"), *paths.root.glob("*.csv")]
    shown = [p for part in paths.parts() for name in SHOWN for p in (part.root / name).rglob("*")]
    about = [(p, p.stat()) for p in sorted(shown) if p.is_file()]
    return stable_id(
        [(str(p), file_hash(p)) for p in sorted(read)],
        [(str(p), stat.st_size, stat.st_mtime_ns) for p, stat in about],
    )


def pages(report: Path) -> int:
    """Return how many pages a report has."""
    return sum(1 for _ in report.rglob("*.html"))
