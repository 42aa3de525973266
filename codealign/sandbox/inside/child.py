"""The forked process that runs one program: limits, filter, program, calls, proof."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import gc
import os
import resource
import struct
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn, TextIO

from . import codec, counter, hashing
from .ending import FILE, is_last_act
from .frames import NAMED

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

BYTE_ORDER_MARK = "\ufeff"
Step = Callable[[], Any]
Send = Callable[[bytes, bytes], None]

# First byte of each message to the server.
READY, OUTCOME, ERROR, EXIT, PROOF, SUSPICION = b"R", b"O", b"E", b"X", b"N", b"!"


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def prepare(
    job: dict[str, Any], nonce: bytes, bpf: bytes, out_fd: int, result_fd: int
) -> Iterator[Step]:
    """Make this process one that runs a job; return what is then to be called, in order.

    The steps are to be called by C code with no Python frame below (see `server`): between them,
    and below the program, there is then nothing of the runner that the program could look into. A
    step that does not reach its end leaves the process, so the last one is the proof of a pass.
    What holds the proof is hidden from the collector, whose functions list every other object.

    Parameters
    ----------
    job : `code`, `calls` (name and encoded arguments), `count`, `instructions`,
        `hash_over`, `cpu_s`, `memory_mb`.
    nonce : sent by the last step: only a run that got to its end has sent it.
    bpf : compiled system call filter with `PID_MARK` in place of the process id; empty for none.
    out_fd, result_fd : pipes for what the program prints and for messages to the server.
    """
    _connect(out_fd, result_fd)
    _write_script(job["code"])
    _limit(job)
    scope = _fresh_main(job)
    send = _sender()
    job["counter"] = counter.open_counter() if job["instructions"] else -1
    _restrict(bpf)
    if job["count"]:
        _guard_count(send)
    code = job.pop("code").removeprefix(BYTE_ORDER_MARK)  # as Python does with a file
    program = partial(_run, code, scope, bool(job["calls"]), send)
    calls = [partial(_call, scope, *call, job, send) for call in job["calls"]]
    proof = partial(send, PROOF, nonce)
    end = partial(_end, sys.stdout, bool(calls))
    steps = (program, *calls, end, proof, partial(os._exit, 0))
    order = iter(steps)
    hide(proof, steps, order)
    send(READY, b"")
    return order


def hide(*objects: Any) -> None:
    """Take objects, and what they refer to, off the lists of the garbage collector.

    `gc.get_objects` and `gc.get_referrers` look nowhere else. The objects must live as long as the
    process.
    """
    untrack = ctypes.pythonapi.PyObject_GC_UnTrack
    for each in filter(gc.is_tracked, (*objects, *gc.get_referents(*objects))):
        if not isinstance(each, type):
            untrack(ctypes.py_object(each))


def _connect(out_fd: int, result_fd: int) -> None:
    os.setpgid(0, 0)  # a group of its own, which the server ends with it
    for source, target in ((out_fd, 1), (out_fd, 2), (result_fd, RESULT_FD)):
        os.dup2(source, target)
    os.closerange(RESULT_FD + 1, 1 << 16)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def _write_script(code: str) -> None:
    """Put the program where Python would have read it from, for programs that read themselves."""
    with contextlib.suppress(OSError), open(FILE, "wb") as file:
        file.write(code.encode("utf-8", "surrogatepass"))


def _limit(job: dict[str, Any]) -> None:
    # Far behind the server's own, exact limit: the kernel counts this one by ticks, and on a busy
    # machine some percent too much; what it kills looks like a crash.
    memory, cpu = job["memory_mb"] * MIB, int(2 * job["cpu_s"]) + 2
    limits = {
        resource.RLIMIT_AS: memory + SPARE_ADDRESSES,
        resource.RLIMIT_DATA: memory + SPARE_DATA,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def _fresh_main(job: dict[str, Any]) -> dict[str, Any]:
    """The scope of a new main module; with calls to make, of one that is imported instead."""
    import random

    name = "solution" if job["calls"] else "__main__"
    module = types.ModuleType(name)
    sys.modules["__main__"] = sys.modules[name] = module
    module.__file__, vars(module)["__builtins__"] = FILE, builtins
    sys.argv = [FILE]
    sys.path.insert(0, os.getcwd())
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)  # a fork does not re-seed it
    return vars(module)


def _sender() -> Send:
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
    # The kernel takes a filter from a process without privileges only if it can gain none.
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel refused the system call filter")


def _run(
    code: str,
    scope: dict[str, Any],
    imported: bool,
    send: Send,
    any_error: type[BaseException] = BaseException,  # a program may replace the built-in names
    leave: Callable[[int], NoReturn] = os._exit,
) -> None:
    """Run the program itself; leave the process unless it comes to its end."""
    try:
        exec(compile(code, FILE, "exec", dont_inherit=True), scope)
    except any_error as error:
        try:
            message = _ending(error, code, imported)
        except any_error:
            message = ERROR + b"?"
        if message:
            send(message[:1], message[1:])
            leave(0)


def _ending(error: BaseException, code: str, imported: bool) -> bytes:
    """The message about an exception that ended a program; none if it had come to its end."""
    if not isinstance(error, SystemExit):
        return ERROR + _describe(error)
    status = error.code & 0xFF if isinstance(error.code, int) else int(error.code is not None)
    if status:
        return ERROR + f"SystemExit{NAMED}: {error.code}".encode("utf-8", "replace")[:601]
    trace = error.__traceback__
    if not imported and trace is not None and is_last_act(code, trace.tb_next):
        return b""
    return EXIT + b"left by SystemExit before its end"


def _end(out: TextIO, imported: bool) -> None:
    """What the interpreter does at the end of a script: threads, exit functions, output."""
    script = () if imported else (sys.modules["threading"]._shutdown, atexit._run_exitfuncs)
    for act in (*script, out.flush, lambda: sys.stdout.flush(), lambda: sys.stderr.flush()):
        with contextlib.suppress(BaseException):
            act()


def _describe(error: BaseException) -> bytes:
    """`Type: message` of an exception whose own methods may be hostile, `NAMED` behind the type."""
    name = type.__dict__["__name__"].__get__(type(error)) + NAMED
    try:
        return f"{name}: {error}".encode("utf-8", "replace")[:601]
    except BaseException:
        return name.encode("utf-8", "replace")


def _call(
    scope: dict[str, Any],
    name: str,
    arguments: str,
    job: dict[str, Any],
    send: Send,
    clock: Callable[[], float] = time.process_time,  # a program may replace that of `time`
) -> None:
    """Make one call and send its outcome: cost, and encoded value, error or lack of a function."""
    started = clock()
    steps, limit, longest = [0], job["count"], job["hash_over"]
    try:
        if name not in scope:  # looked up in here: a hostile key may raise when it is compared
            return send(OUTCOME, b"m0 0 ")
        values, function = codec.loads(arguments), scope[name]
        started, before = clock(), counter.read_counter(job["counter"])
        value = _counted(function, values, limit, steps) if limit else function(*values)
        steps[0] += counter.read_counter(job["counter"]) - before
        spent = clock() - started
        outcome = hashing.dumps_short(value, longest) if longest else codec.dumps(value)
        kind = b"v"
    except BaseException as error:
        spent = clock() - started
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


def _guard_count(send: Send) -> None:
    """Report code that may stop the count of its own instructions (`suspect`)."""
    own = {_counted.__code__}
    own |= {c for c in _counted.__code__.co_consts if isinstance(c, types.CodeType)}
    get_frame = sys._getframe
    looking: list[int] = []  # looking for a frame is such an event itself

    def hook(event: str, _: tuple[Any, ...]) -> None:
        if looking or event not in ("sys.settrace", "sys._getframe"):
            return
        looking.append(1)
        code = get_frame(1).f_code
        looking.clear()
        if code not in own and (event == "sys.settrace" or code.co_filename == FILE):
            send(SUSPICION, event.encode())

    sys.addaudithook(hook)
