"""Run a plan with Snakemake, say how it goes, and close with what came out."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.workflow.environment import job_environment
from codealign.workflow.lock import held
from codealign.workflow.plan import Job


def snakemake_command(run: str, jobs: list[Job], cores: int, profile: str) -> list[str]:
    """Return the command line that runs `jobs` of the frozen plan of `run`."""
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
        "--cores",
        str(cores),
        "--config",
        f"run={run}",
        "--nolock",
    ]


def run_plan(run: str, jobs: list[Job], cores: int, profile: str = "local") -> int:
    """Run those jobs that are not up to date; return Snakemake's exit code.

    Progress is one line a finished job. Snakemake's own output goes to `<run>/snakemake.log`.
    An interrupt is passed on; the next call continues.
    """
    command = snakemake_command(run, jobs, cores, profile)
    root = PROJECT / run
    environment = {**os.environ, **job_environment(os.environ)}
    with held(root / ".lock", 30, run) as lock, (root / "snakemake.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=PROJECT,
            pass_fds=(lock,),
            preexec_fn=_end_with_parent,
        )
        try:
            _watch(process, root, [job.name for job in jobs])
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise CodealignError(f"interrupted; the same command continues {run}") from None
    return process.returncode


def _end_with_parent() -> None:
    """Have the kernel end this child when its parent dies, however it dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _results(root: Path) -> dict[str, float]:
    found = root.glob("jobs/*/result.json")
    return {path.parent.name: path.stat().st_mtime for path in found}


def _watch(process: subprocess.Popen[bytes], root: Path, planned: list[str]) -> None:
    """Print each job's closing line when its result appears, until Snakemake ends."""
    seen, started = _results(root), time.monotonic()
    while True:
        ended = process.poll() is not None
        now = _results(root)
        fresh = [name for name, when in now.items() if seen.get(name) != when and name in planned]
        seen = now
        for name in sorted(fresh):
            result = read_result(root, name)
            done = sum(n in now for n in planned)
            minutes = (time.monotonic() - started) / 60
            print(f"[{done}/{len(planned)}] {minutes:4.1f} min  {name}: {result['line']}", flush=True)
        if ended:
            return
        time.sleep(0.5)


def read_result(root: Path, job: str) -> dict[str, Any]:
    """Return a finished job's result marker."""
    path = Path(root) / "jobs" / job / "result.json"
    return json.loads(path.read_text(encoding="utf-8"))


def failures(run_root: Path, jobs: list[Job]) -> list[str]:
    """Return one line for each job that failed or was not reached, with where to look."""
    lines = []
    for job in jobs:
        folder = run_root / "jobs" / job.name
        if (folder / "result.json").exists():
            continue
        log = folder / "log.txt"
        executed = run_root / "notebooks" / f"{job.name}.ipynb"
        if log.exists() and "failed in cell" in log.read_text(encoding="utf-8", errors="replace"):
            where = os.path.relpath(executed, PROJECT)
            lines.append(f"failed: {job.name}: {_reason(log)}; traceback in {where}")
        else:
            lines.append(f"not run: {job.name} (waits for a job that failed)")
    return lines


def _reason(log: Path) -> str:
    for line in reversed(log.read_text(encoding="utf-8", errors="replace").splitlines()):
        if "failed in cell" in line:
            return line.split(": ", 1)[-1][:300]
    return "unknown"
