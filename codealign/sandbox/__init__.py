"""Isolated execution of generated code.

    with Sandbox(workers=2) as sandbox:
        for result in sandbox.run([Program("a", "assert 1 + 1 == 2")]):
            print(result.verdict)  # pass

A worker is a warm fork server under bubblewrap (else Landlock), with one fork for each program,
resource limits and a system call filter. Not covered: side channels, faults of the kernel, and a
program that makes its own tests say yes (see docs/how-to/sandbox.md; calls with expected values
kept outside are the remedy). A program may have 64 MiB in its work folder. Under bubblewrap the
folder itself ends there; elsewhere it is looked into 20 times a second, so a program may get beyond
for that long, and by files that are open but deleted (64 of 16 MiB), until it ends.
"""

from codealign.sandbox.inside.codec import Opaque
from codealign.sandbox.inside.digest import Hashed
from codealign.sandbox.model import VERDICTS, Call, Encoded, Outcome, Program, Result
from codealign.sandbox.pool import Sandbox
from codealign.sandbox.probe import Capabilities, capabilities
from codealign.sandbox.stream import execute_stream

__all__ = [
    "VERDICTS",
    "Call",
    "Capabilities",
    "Encoded",
    "Hashed",
    "Opaque",
    "Outcome",
    "Program",
    "Result",
    "Sandbox",
    "capabilities",
    "execute_stream",
]
