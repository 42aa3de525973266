"""Run a plan with Snakemake, say how it goes, and close with what came out."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.workflow.environment import DRIVER, job_environment
from codealign.workflow.plan import Job
from codealign.workflow.slurm import job_prefix, status_command
from codealign.workflow.status import job_state, read_failure, read_result
from codealign.workflow.warm import end_with_parent, kinds_of, servers


@dataclass(frozen=True)
class Outcome:
    """Snakemake's exit code, the jobs that ran, and the peak memory (MiB) of all processes."""

    code: int
    jobs: int
    peak_mb: int

    def then(self, later: Outcome) -> Outcome:
        """Return the outcome of this pass and a later one over the same plan."""
        peak = max(self.peak_mb, later.peak_mb)
        return Outcome(later.code, self.jobs + later.jobs, peak)


LOCAL = "local"
MEASURE_EVERY_S = 4
"""Seconds between two looks at the memory of all processes, which the kernel must add up."""


def snakemake_command(run: str, jobs: list[Job], cores: int, profile: str) -> list[str]:
    """Return the command line that runs `jobs` of the frozen plan of `run`."""
    where = ["--cores", str(cores)]
    if profile != LOCAL:  # the profile says how many jobs at once
        where = ["--slurm-jobname-prefix", job_prefix(PROJECT / run)]
        where += ["--slurm-status-command", status_command()]
    return [
        sys.executable,
        "-m",
        "snakemake",
        *(f"{run}/jobs/{job.name}/result.json" for job in jobs),
        "--snakefile",
        str(PROJECT / "workflow" / "Snakefile"),
        "--profile",
        str(PROJECT / "workflow" / "profiles" / profile),
        "--directory",
        str(PROJECT),
        *where,
        "--config",
        f"run={run}",
        "--nolock",
    ]


def run_plan(run: str, jobs: list[Job], cores: int, lock: int, profile: str = LOCAL) -> Outcome:
    """Run those jobs that are not up to date.

    Parameters
    ----------
    lock : descriptor of the run's lock; Snakemake inherits it and so holds it as long as it lives.

    Progress is one line a finished job. Snakemake's own output goes to `<run>/snakemake.log`.
    An interrupt is passed on; the next call continues.
    """
    command = snakemake_command(run, jobs, cores, profile)
    root = PROJECT / run
    environment = {**os.environ, **job_environment(os.environ)}
    kinds: list[str] = []
    if profile == LOCAL:
        environment[DRIVER] = str(os.getpid())
        kinds = kinds_of(job for job in jobs if job_state(root, job.name) != "done")
    with (root / "snakemake.log").open("ab") as log, servers(kinds, environment) as environment:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=PROJECT,
            pass_fds=(lock,),
            preexec_fn=end_with_parent,
        )
        watcher = _Watcher(root, [job.name for job in jobs])
        try:
            _watch(process, watcher)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise CodealignError(f"interrupted; the same command continues {run}") from None
    return Outcome(process.returncode, watcher.ran, round(watcher.peak_mb))


class _Watcher:
    """Prints each job's closing line when its result appears; keeps the peak memory of all jobs."""

    def __init__(self, root: Path, planned: list[str]) -> None:
        self.root, self.planned = root, planned
        self.started, self.peak_mb, self.ran = time.monotonic(), 0.0, 0
        self.times: dict[str, int] = {}
        self.finished: dict[str, str] = {}
        self.seen = self.results()

    def results(self) -> dict[str, str]:
        """Return when each job finished; a file's time may also change when Snakemake touches it.

        A result is read anew only when its file's time has changed.
        """
        for job in self.planned:
            path = self.root / "jobs" / job / "result.json"
            changed = path.stat().st_mtime_ns if path.exists() else 0
            if changed == self.times.get(job, 0):
                continue
            self.times[job] = changed
            self.finished.pop(job, None)
            if changed:
                self.finished[job] = read_result(self.root, job)["finished"]
        return dict(self.finished)

    def look(self) -> None:
        now = self.results()
        for name in sorted(n for n in now if now[n] != self.seen.get(n)):
            self.ran += 1
            done = sum(job_state(self.root, n) == "done" for n in self.planned)
            minutes = (time.monotonic() - self.started) / 60
            line = read_result(self.root, name)["line"]
            print(f"[{done}/{len(self.planned)}] {minutes:4.1f} min  {name}: {line}", flush=True)
        self.seen = now

    def measure(self) -> None:
        self.peak_mb = max(self.peak_mb, _memory_mb(os.getpid()))


def _memory_mb(pid: int) -> float:
    """Return the memory of a process and its descendants in MiB, shared pages counted once."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total / 2**20


def _watch(process: subprocess.Popen[bytes], watcher: _Watcher) -> None:
    for second in itertools.count():
        if process.poll() is not None:
            break
        watcher.look()
        if second % MEASURE_EVERY_S == 0:
            watcher.measure()
        time.sleep(1)
    watcher.look()


def lost(run_root: Path, jobs: list[Job]) -> list[str]:
    """Return jobs that could have run and left neither a result nor an error.

    They were killed, or their node was lost: unlike a notebook that failed, they are worth another
    start.
    """
    state = {job.name: job_state(run_root, job.name) for job in jobs}
    ready = [job for job in jobs if all(state.get(n, "done") == "done" for n in job.needs)]
    return [job.name for job in ready if state[job.name] == "to do"]


def failures(run_root: Path, jobs: list[Job]) -> list[str]:
    """Return one line for each job that failed or was not reached, with where to look."""
    lines = []
    for job in jobs:
        state = job_state(run_root, job.name)
        executed = run_root / "notebooks" / f"{job.name}.ipynb"
        if state == "done":
            continue
        if state == "failed":
            where = os.path.relpath(executed, PROJECT)
            why = read_failure(run_root, job.name).replace("\n", "\n  ")
            lines.append(f"failed: {job.name}: {why}\n  traceback in {where}")
        else:
            lines.append(f"not run: {job.name} (waits for a job that failed)")
    return lines


def unstarted(run_root: Path, jobs: list[Job]) -> list[str]:
    """Return the last words of the scheduler where it failed and no notebook did."""
    if any(job_state(run_root, job.name) == "failed" for job in jobs):
        return []
    said = (run_root / "snakemake.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return ["no notebook failed; Snakemake's last lines:", *(f"  {line}" for line in said[-8:])]
