"""Watch one child: collect what it writes, stop it at its limits, reap it."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

BLOCK = 1 << 16
SOONEST = 0.005
LOOK_EVERY = 0.05  # seconds between looks into the work folder
MOST_FILES, LONGEST_PATH = 10_000, 1024
AWAKE_S = 0.005  # CPU seconds that show a child is not asleep
CPU_CLOCK = 2  # CPUCLOCK_SCHED: the scheduler's own account of a process's CPU time


@dataclass
class Watch:
    """What was seen of a child.

    `stopped` is "" or the limit at which it was killed: cpu, call (CPU time of one call), wall,
    idle (no CPU time used), size (of its outcomes), disk (its files, also if seen only when it had
    ended). `cut` says that output beyond the cap was thrown away.
    """

    output: bytes = b""
    result: bytes = b""
    cut: bool = False
    stopped: str = ""
    status: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0


def watch(pid: int, out_fd: int, result_fd: int, work: str, job: dict[str, Any]) -> Watch:
    """Return when the child has ended, by itself or stopped at a limit of `job`.

    `work` is the folder in which its files are watched.
    """
    started = time.monotonic()
    seen = Watch()
    pipes = {out_fd: bytearray(), result_fd: bytearray()}
    end = os.pidfd_open(pid)
    live = [out_fd, result_fd, end]
    budget = _Budget(pid, work, job, started)
    while end in live:
        ready = select.select(live, [], [], budget.pause())[0]
        if end in ready:
            break
        for fd in ready:
            _take(fd, pipes[fd], live)
        seen.cut |= _cap(pipes[out_fd], job["output_bytes"])
        budget.notice(pipes[result_fd])
        seen.stopped = budget.exceeded(len(pipes[result_fd]))
        if seen.stopped:
            os.kill(pid, signal.SIGKILL)
            break
    _, seen.status, usage = os.wait4(pid, 0)
    _end_group(pid)
    if not seen.stopped and overfull(work, job["disk_bytes"]):
        seen.stopped = "disk"
    # Only what is there already: a process that got away could hold a pipe open for ever.
    for fd in (out_fd, result_fd):
        while fd in live and select.select([fd], [], [], 0)[0]:
            _take(fd, pipes[fd], live)
            seen.cut |= fd == out_fd and _cap(pipes[fd], job["output_bytes"])
        os.close(fd)
    os.close(end)
    seen.output, seen.result = bytes(pipes[out_fd]), bytes(pipes[result_fd])
    seen.cpu_s, seen.wall_s = usage.ru_utime + usage.ru_stime, time.monotonic() - started
    return seen


def _end_group(pid: int) -> None:
    """End processes the child started (the filter forbids it; weaker levels may have none)."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _take(fd: int, buffer: bytearray, live: list[int]) -> None:
    data = os.read(fd, BLOCK)
    buffer += data
    if not data:
        live.remove(fd)


def _cap(buffer: bytearray, size: int) -> bool:
    too_long = len(buffer) > size
    del buffer[size:]
    return too_long


def overfull(folder: str, limit: int) -> bool:
    """Whether a folder holds more than `limit` bytes, or more or deeper files than it may."""
    size = entries = 0
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as listing:
                for entry in listing:
                    entries += 1 if len(entry.path) < LONGEST_PATH else MOST_FILES
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                    if size > limit or entries >= MOST_FILES:
                        return True
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # gone meanwhile, or made without the right to put anything in
    return False


class _Budget:
    """What a child has left: of its CPU time, by the wall clock, and on the disk."""

    def __init__(self, pid: int, work: str, job: dict[str, Any], started: float) -> None:
        self.work, self.disk_bytes, self.look = work, job["disk_bytes"], started + LOOK_EVERY
        # The kernel's name for another process's CPU clock: finer than the ticks that /proc gives.
        self.clock = (~pid << 3) | CPU_CLOCK
        self.cpu_s, self.call_cpu_s = job["cpu_s"], job["call_cpu_s"]
        self.deadline = started + job["wall_s"]
        self.idle_s, self.awake = job["idle_s"], (0.0, started)
        self.result_bytes, self.size = job["result_bytes"], 0
        self.at_last_message = 0.0

    def used(self) -> float:
        """CPU seconds of the child until now, children and threads included."""
        try:
            return time.clock_gettime(self.clock)
        except OSError:  # it has ended
            return 0.0

    def notice(self, result: bytearray) -> None:
        """Restart the clock of the call if a message came."""
        if len(result) > self.size:
            self.size, self.at_last_message = len(result), self.used()

    def pause(self) -> float:
        """Seconds in which no limit can be reached (by one thread)."""
        used = self.used()
        now = time.monotonic()
        left = min(self.cpu_s - used, self.deadline - now, self.look - now)
        if self.call_cpu_s:
            left = min(left, self.call_cpu_s + self.at_last_message - used)
        return max(SOONEST, left)

    def _asleep(self, used: float, now: float) -> bool:
        """Whether it has used no CPU time worth the name for `idle_s` seconds."""
        if used - self.awake[0] > AWAKE_S:
            self.awake = (used, now)
        return now - self.awake[1] > self.idle_s

    def exceeded(self, result_size: int) -> str:
        """Name of the limit that is reached, or ""."""
        used = self.used()
        if used > self.cpu_s:
            return "cpu"
        if self.call_cpu_s and used - self.at_last_message > self.call_cpu_s:
            return "call"
        now = time.monotonic()
        if now > self.deadline:
            return "wall"
        if self.idle_s and self._asleep(used, now):
            return "idle"
        if now > self.look:
            self.look = now + LOOK_EVERY
            if overfull(self.work, self.disk_bytes):
                return "disk"
        return "size" if result_size > self.result_bytes else ""
