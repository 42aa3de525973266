"""The sandbox as the rest of the package uses it: programs in, results out, in their order."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Literal, NamedTuple, Self

from codealign.errors import CodealignError
from codealign.sandbox.launch import MECHANISMS
from codealign.sandbox.model import Program, Result
from codealign.sandbox.probe import Capabilities, capabilities, load_filter
from codealign.sandbox.worker import Worker, WorkerLost

AHEAD = 64
"""Programs a worker may be ahead of the oldest unfinished one: bounds what waits in memory."""


class _Task(NamedTuple):
    index: int
    program: Program
    deadline: float
    retry: bool


class Sandbox:
    """Runs untrusted programs on warm, isolated workers; a context manager.

    Parameters
    ----------
    workers : programs run at once.
    accept : "basic" also accepts resource limits without isolation of files and environment, where
        nothing stronger works; every result then says so.
    mechanisms : what to try, in this order.
    preload : modules imported once by each worker, so that programs which use them start fast.

    Attributes
    ----------
    level : "strong" or "basic", measured on entry.
    note : the mechanism, and why a stronger one does not serve.

    Raises
    ------
    CodealignError
        On entry: no accepted level works here; says why, and how to get one.
    """

    def __init__(
        self,
        workers: int = 1,
        accept: Literal["strong", "basic"] = "strong",
        mechanisms: tuple[str, ...] = MECHANISMS,
        preload: tuple[str, ...] = ("numpy", "numpy.random"),
    ) -> None:
        self.size, self.accept, self.mechanisms = workers, accept, mechanisms
        self.preload = preload
        self.level, self.note = "", ""
        self._idle: list[Worker] = []
        self._busy: dict[Worker, _Task] = {}

    def __enter__(self) -> Self:
        able = capabilities(self.mechanisms)
        if able.level == "none" or (able.level == "basic" and self.accept == "strong"):
            raise CodealignError(_refusal(able))
        self.level, self.note = able.level, able.note
        bpf = load_filter()
        for _ in range(self.size):
            worker = Worker(able.mechanism, bpf, self.preload)
            _start(worker)
            self._idle.append(worker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in (*self._idle, *self._busy):
            worker.close()
        self._idle, self._busy = [], {}

    @property
    def memory_mb(self) -> int:
        """Largest peak memory of a worker's server until now, in MiB."""
        return max((w.server_mb for w in (*self._idle, *self._busy)), default=0)

    def run(self, programs: Iterable[Program]) -> Iterator[Result]:
        """Yield the result of each program, in the order of `programs`.

        A sandbox error is retried once on a fresh worker. `programs` may be endless: it is read
        only a little ahead of the results.

        Raises
        ------
        CodealignError
            Outside `with`, or a worker cannot be started again.
        """
        if not self._idle:
            raise CodealignError("sandbox: not started; use it as `with Sandbox() as sandbox:`")
        source = enumerate(programs)
        done: dict[int, Result] = {}
        following, exhausted = 0, False
        try:
            while True:
                while self._idle and not exhausted and self._in_reach(following, done):
                    exhausted = not self._hand_out(source, done)
                if not self._busy and not done:
                    return
                self._collect(done)
                while following in done:
                    yield done.pop(following)
                    following += 1
        finally:  # also where the caller stops reading before the last result
            self._abandon()

    def _in_reach(self, following: int, done: dict[int, Result]) -> bool:
        # Results go out in order: one slow program must not let all later ones pile up in memory.
        newest = max((*(t.index for t in self._busy.values()), *done), default=following)
        return newest - following < AHEAD * self.size

    def _hand_out(self, source: Iterator[tuple[int, Program]], done: dict[int, Result]) -> bool:
        for index, program in source:
            worker = self._idle.pop()
            self._busy[worker] = _Task(index, program, 0.0, retry=True)
            self._send(worker, done)
            return True
        return False

    def _send(self, worker: Worker, done: dict[int, Result]) -> None:
        task = self._busy[worker]
        try:
            self._busy[worker] = task._replace(deadline=worker.send(task.program))
        except WorkerLost as error:
            self._lost(worker, str(error), done)

    def _collect(self, done: dict[int, Result]) -> None:
        """Wait for an answer or a deadline; take every answer that is there."""
        if not self._busy:
            return
        left = min(t.deadline for t in self._busy.values()) - time.monotonic()
        ready, _, _ = select.select(list(self._busy), [], [], max(0.0, left))
        # Also those past their deadline: `receive` then takes an answer that is there, or says that
        # the worker hangs.
        late = [w for w, t in self._busy.items() if t.deadline <= time.monotonic()]
        for worker in {*ready, *late}:
            self._receive(worker, done)

    def _receive(self, worker: Worker, done: dict[int, Result]) -> None:
        task = self._busy[worker]
        try:
            result = worker.receive(task.program, self.level, task.deadline)
        except WorkerLost as error:
            return self._lost(worker, str(error), done)
        if result.verdict == "sandbox_error":
            return self._lost(worker, result.detail, done)
        self._finish(worker, result, done)
        if not worker.clean:  # the next program would find what this one left
            worker.close()
            _start(worker)

    def _lost(self, worker: Worker, reason: str, done: dict[int, Result]) -> None:
        """Replace a worker; its program gets a second chance, then is a sandbox error."""
        task = self._busy[worker]
        worker.close()
        _start(worker)
        # What broke may not be the program's doing. `_send` may lose the worker again and come back
        # here, but only once: `retry` is gone by then.
        if task.retry:
            self._busy[worker] = task._replace(retry=False)
            return self._send(worker, done)
        result = Result(task.program.id, "sandbox_error", reason, self.level, 0.0)
        self._finish(worker, result, done)

    def _finish(self, worker: Worker, result: Result, done: dict[int, Result]) -> None:
        done[self._busy.pop(worker).index] = result
        self._idle.append(worker)

    def _abandon(self) -> None:
        """Replace workers that still run a program nobody waits for."""
        for worker in list(self._busy):
            worker.close()
            _start(worker)
            del self._busy[worker]
            self._idle.append(worker)


def _start(worker: Worker) -> None:
    try:
        worker.start()
    except (OSError, WorkerLost) as error:
        raise CodealignError(
            f"sandbox: a worker cannot be started ({error}); see `codealign doctor`"
        ) from None


def _refusal(able: Capabilities) -> str:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in able.failed.items())
    advice = "; ".join(f"{name}: {how}" for name, how in able.advice.items())
    return (
        f"sandbox: no strong isolation on this machine ({reasons}). To get it: {advice}. "
        "On a disposable machine only, accept weaker isolation with `sandbox: basic`."
    )
