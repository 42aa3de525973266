"""What a driver says while jobs run: starts, results, failures, how far each is, time left."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from codealign.errors import CodealignError
from codealign.paths import PROJECT
from codealign.workflow import causes
from codealign.workflow.markers import (
    FAILURE,
    PROGRESS,
    read_failure,
    read_marker,
    read_result,
    write_failure,
)
from codealign.workflow.plan import Job

FIRST_S, LONGEST_S = 20, 300
"""Seconds until progress is first reported, and the longest time between two such reports."""


class Watcher:
    """Looks at the marks of the running jobs, and reports each change once.

    Parameters
    ----------
    jobs : those that are to run, `cores` at once. done : how many of the others are done.
    quiet : report failures alone.
    local : the jobs run on this machine: a process that was killed has failed.
    """

    def __init__(
        self, root: Path, jobs: Sequence[Job], done: int = 0, cores: int = 1,
        quiet: bool = False, local: bool = True,
    ) -> None:  # fmt: skip
        self.root, self.jobs, self.cores = root, {job.name: job for job in jobs}, cores
        self.done, self.total = done, done + len(jobs)
        self.quiet, self.local = quiet, local
        self.started, self.kills, self.ran = time.monotonic(), causes.oom_kills(), 0
        self.running: dict[str, float] = {}
        self.over: set[str] = set()
        self.failed: set[str] = set()
        self.took: dict[str, float] = {}
        self.earlier = {name: read_result(root, name) for name in self.jobs}
        self.pause, self.last_news = float(FIRST_S), self.started

    def look(self) -> None:
        """Report what has changed since the last look."""
        driver = self.root / ".driver"
        for name in self.jobs:
            if name in self.over:
                continue
            if name not in self.running and (driver / f"{name}.began").exists():
                self.last_news = self.last_news if self.running else time.monotonic()
                self.running[name] = time.monotonic()
                self._say(f"{name} starts")
            if (driver / f"{name}.ended").exists() or (name in self.running and self._new(name)):
                self._finished(name)
            elif name in self.running:
                self._failed(name, driver / f"{name}.code")
        # The longer a run, the rarer the news, so that a log of hours stays readable.
        now = time.monotonic()
        if now - self.last_news > self.pause and self.running:
            self.last_news, self.pause = now, min(2 * self.pause, LONGEST_S)
            for name in self.running:
                self._say(f"{name}: {self._how_far(name)}")
            self._say(self.left())

    def _new(self, name: str) -> bool:
        """Tell whether a job has a result that it had not before: it is done, whatever ends it."""
        result = read_result(self.root, name)
        return bool(result) and result != self.earlier[name]

    def _say(self, text: str, mark: str = "") -> None:
        minutes = (time.monotonic() - self.started) / 60
        if text and not self.quiet:
            print(f"{mark:9}{minutes:5.1f} min  {text}", flush=True)

    def _finished(self, name: str) -> None:
        result = read_result(self.root, name)
        new = result != self.earlier[name]
        took = time.monotonic() - self.running.get(name, time.monotonic())
        self._end(name)
        self.done += 1
        self.ran += new
        line = result.get("line", "")
        if new:
            self.took[name] = max(took, float(result.get("seconds", 0)))
        else:
            line = f"not run again: what it depends on came out as it was ({line})"
        self._say(f"{name}: {line}", f"[{self.done}/{self.total}]")

    def _failed(self, name: str, code: Path) -> None:
        """Report a failure when it happens: its marker, or a process that left none."""
        if not (self.root / "jobs" / name / FAILURE).exists():
            if not code.exists() or not self.local:
                return
            number = int(code.read_text().strip() or 1)
            ended = 128 - number if number > 128 else None if number == 1 else number
            error = causes.died("its process", ended, self.kills)
            try:
                write_failure(self.root, name, error=error)
            except CodealignError:  # a full disk takes no marker either
                self._end(name, self._why(name) or f"failed: {name}: {error}")
                return
        self._end(name, self._why(name))

    def _why(self, name: str) -> str:
        """Return what a failed job said, its likely cause, and where its traceback is."""
        left = [job for other, job in self.jobs.items() if other not in self.over]
        if full := causes.full_disk(self.root, left):
            return f"failed: {name}: {full}"
        if not (error := read_failure(self.root, name)):
            return ""
        executed = self.root / "notebooks" / f"{name}.ipynb"
        log = self.root / "jobs" / name / "log.txt"
        where = os.path.relpath(executed if executed.exists() else log, PROJECT)
        return f"failed: {name}: {error}".replace("\n", "\n  ") + f"\n  traceback in {where}"

    def _end(self, name: str, failure: str = "") -> None:
        self.over.add(name)
        self.running.pop(name, None)
        if failure:
            self.failed.add(name)
            print(failure, flush=True)

    def _how_far(self, name: str) -> str:
        """Return what a running job has counted, its rate and the time left of that step."""
        note = read_marker(self.root / "jobs" / name / PROGRESS)
        since = (time.monotonic() - self.running[name]) / 60
        if not note or not note.get("rate"):
            return f"at work for {since:.1f} min"
        n, total, rate = note["n"], note["total"], note["rate"]
        speed = f"{rate:,.1f} per second" if rate >= 1 else f"{1 / rate:,.1f} s each"
        rest = (
            f" of {total:,}, {speed}, {(total - n) / rate / 60:.1f} min left"
            if total
            else f", {speed}"
        )
        return f"{note['what'] or 'items'} {n:,}{rest}"

    def left(self) -> str:
        """Return the time left for all jobs, from how long those took that have finished."""
        open_ = [job for name, job in self.jobs.items() if name not in self.over]
        taken = defaultdict(list)
        for name, job in self.jobs.items():
            if seconds := self.took.get(name) or float(self.earlier[name].get("seconds", 0)):
                taken[job.notebook].append(seconds)
        left = {job.name: mean(taken[job.notebook]) for job in open_ if job.notebook in taken}
        for name, began in self.running.items():
            if name in left:
                left[name] = max(left[name] - (time.monotonic() - began), 0.0)
        if not left:
            return ""
        # However many the cores, jobs that need one another run one after another.
        minutes = max(sum(left.values()) / self.cores, _longest_chain(open_, left)) / 60
        unknown = sorted({job.notebook for job in open_ if job.name not in left})
        more = f", and what {', '.join(unknown)} will take" if unknown else ""
        return f"about {minutes:.1f} min left for {len(open_)} notebooks{more}"


def _longest_chain(jobs: Sequence[Job], seconds: Mapping[str, float]) -> float:
    """Return the seconds of the longest chain of jobs that need each other."""
    ends: dict[str, float] = {}
    for job in jobs:
        before = max((ends.get(need, 0.0) for need in job.needs), default=0.0)
        ends[job.name] = before + seconds.get(job.name, 0.0)
    return max(ends.values(), default=0.0)
