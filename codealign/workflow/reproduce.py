"""`codealign reproduce`: plan, run, report, and a closing summary."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from codealign.errors import CodealignError, nearest
from codealign.evaluate.functional.registry import expand, guarding, require_public
from codealign.params import load_params
from codealign.paths import INSTALLED, PROJECT, RunPaths
from codealign.records import write_text
from codealign.registry import check_variants
from codealign.workflow.lock import held
from codealign.workflow.plan import Job, freeze, make_plan, select
from codealign.workflow.run import LOCAL, Outcome, failures, lost, run_plan, unstarted
from codealign.workflow.slurm import cancel_leftovers, check_cluster
from codealign.workflow.status import job_state
from codealign.workflow.stops import stopped, warned

RESTARTS = 3
"""How often jobs that a cluster killed are started again, before the run gives up."""


def reproduce(
    params_file: Path, cores: int, only: str = "", dry_run: bool = False, profile: str = "local"
) -> int:
    """Run a profile; return 0, or 1 if a job failed.

    Parameters
    ----------
    params_file : e.g. `params/nano.yaml`.
    cores : notebook jobs at once.
    only : run one notebook (`02_sft` or `sft`) and what it needs.
    dry_run : say which jobs would run, start none.
    profile : folder in `workflow/profiles`.

    Raises
    ------
    CodealignError
        No project folder, a fault in the parameters, an unknown profile, or another process is at
        work on this run.
    """
    if PROJECT == INSTALLED:
        told = "no notebooks/ and params/ here; `codealign init my-study`, then run it in my-study/"
        raise CodealignError(f"{Path.cwd()}: {told}")
    params = load_params(params_file)
    _check_scheduler(profile, dry_run)
    run = f"runs/{params.profile}"
    for model in params.models:
        check_variants(model, params.variants)
    plan = make_plan(params, run)
    jobs = select(plan, only) if only else plan
    root = PROJECT / run
    started = time.monotonic()
    with held(root / ".lock", 30, run) as lock:
        freeze(plan, run, params.note)
        if dry_run:
            return _show_plan(jobs, root)
        _require_benchmarks([job for job in jobs if job_state(root, job.name) != "done"])
        where = f"on {cores} cores" if profile == LOCAL else f"by profile {profile}"
        print(f"{run}: {len(jobs)} notebooks {where}; log: {run}/snakemake.log", flush=True)
        outcome = _run(run, jobs, cores, lock, profile)
    if outcome.code:
        print("\n".join([*failures(root, jobs), *unstarted(root, jobs)]))
    _report(root)
    if params.note:
        print(f"note: {params.note.strip()}")
    names = [job.name for job in jobs]
    for line in (*warned(root, names), *stopped(root, names)):
        print(line)
    seconds = time.monotonic() - started
    if outcome.jobs:
        cost = {**asdict(outcome), "cores": cores, "seconds": round(seconds, 1)}
        write_text(root / "cost.json", json.dumps(cost) + "\n")
    print(f"{'failed' if outcome.code else 'done'} after {seconds / 60:.1f} min")
    if outcome.code:
        print(f"mend the cause and run the same command again; log: {run}/snakemake.log")
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


def _require_benchmarks(jobs: list[Job]) -> None:
    """Fetch the public benchmarks that jobs will read, before any starts; name all it cannot."""
    given = [job.parameters for job in jobs]
    prefs = [p["prefs"] for p in given if "prefs" in p and p["prefs"]["corpus"] != "nano"]
    if prefs:
        require_public(guarding([n for p in prefs for n in p["filters"]["benchmarks"]]))
    tested = [p["functional"] for p in given if "functional" in p]
    names = expand([n for p in tested if p["data"] != "nano" for n in p["benchmarks"]])
    require_public(names, guarded=False)


def _run(run: str, jobs: list[Job], cores: int, lock: int, profile: str) -> Outcome:
    """Run the jobs; on a cluster, start again those that were killed or whose node was lost."""
    write_text(PROJECT / run / "snakemake.log", "")
    if profile == LOCAL:
        return run_plan(run, jobs, cores, lock, profile)
    outcome = _submit(run, jobs, cores, lock, profile)
    for _ in range(RESTARTS):
        again = lost(PROJECT / run, jobs) if outcome.code else []
        if not again:
            break
        print(f"killed, or lost with their node, and started again: {', '.join(again)}", flush=True)
        outcome = outcome.then(_submit(run, jobs, cores, lock, profile))
    return outcome


def _submit(run: str, jobs: list[Job], cores: int, lock: int, profile: str) -> Outcome:
    if left := cancel_leftovers(PROJECT / run):
        print(f"ended {left} jobs that a driver before this one left in the queue", flush=True)
    return run_plan(run, jobs, cores, lock, profile)


def _show_plan(jobs: list[Job], root: Path) -> int:
    states = {job.name: job_state(root, job.name) for job in jobs}
    for job in jobs:
        needs = f"  needs {', '.join(job.needs)}" if job.needs else ""
        print(f"{states[job.name]:9}{job.name}{needs}")
    count = Counter(states.values())
    print(", ".join(f"{n} {state}" for state, n in sorted(count.items())))
    return 0


def _report(root: Path) -> None:
    """Build the report from what is there, print the summary and the report's path."""
    from codealign.analysis.answer import closing_text
    from codealign.report import build_report

    index = build_report(RunPaths(root))
    print(closing_text(root))
    print(f"report: {os.path.relpath(index, PROJECT)}")
