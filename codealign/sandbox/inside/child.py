"""The forked process that runs one program: limits, filter, program, calls, proof."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import time
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import codec, counter, hashing, tripwire

RESULT_FD = 3
PID_MARK = 0x5EEDB0B1
"""Stands in the compiled filter for the process's own id, which is known only after the fork."""
MIB = 1 << 20
SPARE_ADDRESSES = 1024 * MIB  # address space of interpreter, preloaded modules and thread stacks
SPARE_DATA = 128 * MIB  # private memory of interpreter and preloaded modules
FILE_BYTES = 16 * MIB
OPEN_FILES = 64
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 38, 22
SIGKILL = 9

# First byte of each message to the server.
READY, OUTCOME, ERROR, EXIT, PROOF, SUSPICION = b"R", b"O", b"E", b"X", b"N", b"!"


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def run(job: dict[str, Any], nonce: bytes, bpf: bytes, out_fd: int, result_fd: int) -> NoReturn:
    """Run a job in this process and leave it; never returns.

    Parameters
    ----------
    job : `code`, `calls` (name and encoded arguments), `count`, `instructions`,
        `hash_over`, `cpu_s`, `memory_mb`.
    nonce : sent after the last call: only a run that got to its end has sent it.
    bpf : compiled system call filter with `PID_MARK` in place of the process id; empty for none.
    out_fd, result_fd : pipes for what the program prints and for messages to the server.
    """
    _connect(out_fd, result_fd)
    _limit(job)
    module = _fresh_main(job)
    send = _sender()
    job["counter"] = counter.open_counter() if job["instructions"] else -1
    _restrict(bpf)
    tripwire.install(lambda event: send(SUSPICION, event.encode()), OWN)
    leave, out, failed, stopped = os._exit, sys.stdout, BaseException, SystemExit
    end, message = PROOF, nonce
    send(READY, b"")
    try:
        exec(compile(job.pop("code"), "main.py", "exec", dont_inherit=True), module.__dict__)
        for name, arguments in job["calls"]:
            _call(module.__dict__, name, arguments, job, send)
        _join_threads(job)
    except stopped as error:
        end, message = EXIT, repr(error.code).encode()[:200]
    except failed as error:
        end, message = ERROR, _describe(error)
    try:
        out.flush()
    finally:
        send(end, message)
        leave(0)


def _connect(out_fd: int, result_fd: int) -> None:
    os.setpgid(0, 0)
    for source, target in ((out_fd, 1), (out_fd, 2), (result_fd, RESULT_FD)):
        os.dup2(source, target)
    os.closerange(RESULT_FD + 1, 1 << 16)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")


def _limit(job: dict[str, Any]) -> None:
    memory, cpu = job["memory_mb"] * MIB, int(job["cpu_s"]) + 2
    limits = {
        resource.RLIMIT_AS: memory + SPARE_ADDRESSES,
        resource.RLIMIT_DATA: memory + SPARE_DATA,
        resource.RLIMIT_CPU: cpu,  # behind the server's own, exact limit
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def _fresh_main(job: dict[str, Any]) -> types.ModuleType:
    """A new main module; with calls to make, the code is imported rather than run as a script."""
    import random

    name = "solution" if job["calls"] else "__main__"
    module = types.ModuleType(name)
    sys.modules["__main__"] = sys.modules[name] = module
    sys.argv = ["main.py"]
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)  # a fork does not re-seed it
    return module


def _sender() -> Callable[[bytes, bytes], None]:
    """Return a function that sends a message, of parts a program cannot replace."""
    write, head, view, length = os.write, struct.Struct("<I").pack, memoryview, len

    def send(kind: bytes, payload: bytes) -> None:
        data = view(head(length(payload) + 1) + kind + payload)
        while data:
            data = data[write(RESULT_FD, data) :]

    return send


def _restrict(bpf: bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if not bpf:
        return
    code = bpf.replace(struct.pack("<I", PID_MARK), struct.pack("<I", os.getpid()))
    program = _FilterProgram(len(code) // 8, code)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel refused the system call filter")


def _join_threads(job: dict[str, Any]) -> None:
    """Wait for a script's threads, as the interpreter does at its end."""
    threading = sys.modules.get("threading")
    if threading is not None and not job["calls"]:
        threading._shutdown()


def _describe(error: BaseException) -> bytes:
    """`Type: message` of an exception whose own methods may be hostile."""
    name = type.__dict__["__name__"].__get__(type(error))
    try:
        return f"{name}: {error}".encode("utf-8", "replace")[:600]
    except BaseException:
        return name.encode("utf-8", "replace")


def _call(
    scope: dict[str, Any],
    name: str,
    arguments: str,
    job: dict[str, Any],
    send: Callable[..., None],
) -> None:
    """Make one call and send its outcome: cost, and encoded value or error."""
    started = time.process_time()
    steps, limit, longest = [0], job["count"], job["hash_over"]
    try:
        values, function = codec.loads(arguments), scope[name]
        started, before = time.process_time(), counter.read_counter(job["counter"])
        value = _counted(function, values, limit, steps) if limit else function(*values)
        steps[0] += counter.read_counter(job["counter"]) - before
        spent = time.process_time() - started
        outcome = hashing.dumps_short(value, longest) if longest else codec.dumps(value)
        kind = b"v"
    except BaseException as error:
        spent = time.process_time() - started
        outcome, kind = _describe(error).decode("utf-8", "replace"), b"e"
    send(OUTCOME, b"%s%.6f %d " % (kind, spent, steps[0]) + outcome.encode("utf-8", "replace"))


def _counted(function: Callable[..., Any], values: list[Any], limit: int, steps: list[int]) -> Any:
    """Call a function and count in `steps` the bytecode instructions executed.

    Past the limit the call goes on uncounted, at full speed.
    """
    stop = sys.settrace

    def trace(frame: Any, event: str, _: Any) -> Callable[..., Any] | None:
        if event == "opcode":
            steps[0] += 1
            if steps[0] > limit:
                stop(None)
                return None
        elif event == "call":
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return trace

    sys.settrace(trace)
    try:
        return function(*values)
    finally:
        sys.settrace(None)


OWN = (_call.__code__, _counted.__code__) + tuple(
    c for c in _counted.__code__.co_consts if isinstance(c, types.CodeType)
)
"""The runner's code that may do what programs may not."""
