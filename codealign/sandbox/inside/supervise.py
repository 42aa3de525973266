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
CPU_CLOCK = 2  # CPUCLOCK_SCHED: the scheduler's own account of a process's CPU time


@dataclass
class Watch:
    """What was seen of a child.

    `stopped` is "" or the limit at which it was killed: cpu, call (CPU time of one call), wall,
    size (of its outcomes). `cut` says that output beyond the cap was thrown away.
    """

    output: bytes = b""
    result: bytes = b""
    cut: bool = False
    stopped: str = ""
    status: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0


def watch(pid: int, out_fd: int, result_fd: int, job: dict[str, Any]) -> Watch:
    """Return when the child has ended, by itself or stopped at a limit of `job`."""
    started = time.monotonic()
    seen = Watch()
    pipes = {out_fd: bytearray(), result_fd: bytearray()}
    end = os.pidfd_open(pid)
    live = [out_fd, result_fd, end]
    budget = _Budget(pid, job, started)
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


class _Budget:
    """The time a child has left, by its own CPU clock and by the wall clock."""

    def __init__(self, pid: int, job: dict[str, Any], started: float) -> None:
        self.clock = (~pid << 3) | CPU_CLOCK
        self.cpu_s, self.call_cpu_s = job["cpu_s"], job["call_cpu_s"]
        self.deadline = started + job["wall_s"]
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
        left = min(self.cpu_s - used, self.deadline - time.monotonic())
        if self.call_cpu_s:
            left = min(left, self.call_cpu_s + self.at_last_message - used)
        return max(SOONEST, left)

    def exceeded(self, result_size: int) -> str:
        """Name of the limit that is reached, or ""."""
        used = self.used()
        if used > self.cpu_s:
            return "cpu"
        if self.call_cpu_s and used - self.at_last_message > self.call_cpu_s:
            return "call"
        if time.monotonic() > self.deadline:
            return "wall"
        return "size" if result_size > self.result_bytes else ""
