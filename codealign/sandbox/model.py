"""What goes into the sandbox and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

VERDICTS = ("pass", "fail", "timeout", "crash", "no_proof", "suspect", "sandbox_error")
"""How a program can end: what `python main.py` would say of it, with proof.

pass : it ran to its end, and every call was made (an exception in a call is the call's outcome).
    Leaving with exit status 0 is the end where nothing of the program was left to run
    (`unittest.main()`, `sys.exit(main())` as its last statement).
fail : it raised an exception, could not be compiled, or left with another exit status.
timeout : it used more CPU time than it may, or slept longer than the wall limit.
crash : a signal ended it.
no_proof : it left with exit status 0 before its end, or forged messages. Neither a pass nor a
    failure: whether it would have passed is unknown.
suspect : it passed, but may have stopped the count of its instructions (only with `count`), which
    is then not its own. Neither a pass nor a failure.
sandbox_error : the sandbox failed, twice, on two workers; says nothing about the program.
"""


class Encoded(str):
    """A list of arguments in the form of `inside.codec`."""


class Call(NamedTuple):
    """A call to make after a program's code has run: function name and positional arguments.

    Arguments that many programs share may be given as `Encoded`, so that it is done once.
    """

    function: str
    arguments: list[Any] | Encoded


@dataclass(frozen=True)
class Program:
    """Code to run, and the limits for it.

    Parameters
    ----------
    id : carried through to the result.
    code : Python source; run as a script without `calls`, imported as a module with them.
    calls : made in order after the code has run.
    cpu_s : CPU seconds for all of it; what decides between a verdict and a timeout.
    call_cpu_s : CPU seconds for one call; 0 for no limit of its own.
    wall_s : real seconds, generous: it is there for programs that sleep.
    idle_s : real seconds in which it may use no CPU time at all (it sleeps or waits for something
        that never comes); 0: only `wall_s` ends that. A busy machine does not make it idle.
    memory_mb : private memory in MiB, beyond what the interpreter takes.
    result_bytes : bytes that the encoded outcomes of its calls may take; with more it fails.
    output_bytes : what is kept of standard output and error.
    count : count the bytecode instructions of each call, up to this many (a call that executes more
        goes on uncounted); 0 does not count. Counting slows a call about 20 times.
    instructions : count the processor's instructions in each call, in place of `count`; where the
        machine has no such counter the count stays 0.
    hash_over : of a value whose encoding is longer than this the outcome is a `Hashed`; 0: never.
    """

    id: str
    code: str
    calls: list[Call] = field(default_factory=list)
    cpu_s: float = 2.0
    call_cpu_s: float = 0.0
    wall_s: float = 30.0
    idle_s: float = 0.0
    memory_mb: int = 512
    result_bytes: int = 64 << 20
    output_bytes: int = 65536
    count: int = 0
    instructions: bool = False
    hash_over: int = 0


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or the exception as `Type: message`.

    `cpu_s` is the call's CPU time; `steps` its instructions (of bytecode, or the processor's), 0 if
    they were not counted; `exception` the type's name alone; `missing` whether the program has no
    function of that name. A value that cannot be encoded is an `Opaque`, equal to nothing.
    """

    value: Any = None
    error: str = ""
    cpu_s: float = 0.0
    steps: int = 0
    exception: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Result:
    """How a program ended; `outputs` holds the outcomes of the calls that were made.

    `cut` says that `stdout` (output and errors together) was longer than the program's cap.
    `limit` is the limit at which it was stopped: cpu, call (CPU time of one call), wall, idle, size
    (of its outcomes) or disk; "" if it ended by itself. `exception` is the name of the type that
    ended it; `detail` has it with its message.
    """

    id: str
    verdict: str
    detail: str
    level: str
    cpu_s: float
    stdout: str = ""
    outputs: list[Outcome] = field(default_factory=list)
    cut: bool = False
    limit: str = ""
    exception: str = ""
