"""The command that runs programs in the sandbox."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from codealign.commands import AddCommand
from codealign.errors import CodealignError

INTERRUPTED = 130  # as a shell reports an interrupt


def add(command: AddCommand) -> None:
    """Add `execute`."""
    sub = command("execute", _execute, "run programs, one JSON line each, in the sandbox")
    sub.add_argument("--json", action="store_true", help="JSON Lines in and out (the only format)")
    sub.add_argument("--workers", type=int, default=1, help="programs run at once")
    sub.add_argument(
        "--accept",
        choices=("strong", "basic"),
        default="strong",
        help="basic: also run where files and environment cannot be isolated",
    )
    sub.epilog = (
        'Input: one {"id": 1, "code": "print(1)"} per line; also cpu_s, wall_s, memory_mb, '
        "output_bytes, calls; other keys are carried through. Exit code: 0, or 1 if a line was no "
        "program."
    )


def _execute(args: argparse.Namespace) -> int:
    from codealign.sandbox import execute_stream

    if args.workers < 1:
        raise CodealignError(f"execute: --workers must be at least 1, found {args.workers}")
    if sys.stdin.isatty():
        _say("reading programs from the terminal, one JSON object per line; end with Ctrl-D")
    try:
        counts = execute_stream(sys.stdin.buffer, sys.stdout, args.workers, args.accept, show=_say)
    except KeyboardInterrupt:
        _say("interrupted; the results until now are complete lines")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        # What could not be written is still in the buffer; on exit Python would try it again,
        # say so in lines of its own and end with another code.
        with contextlib.suppress(OSError):  # not a file, for a caller within Python
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CodealignError(
            f"execute: cannot write a result ({error}); free space, or send the "
            "output elsewhere; the results until now are complete lines but for the last"
        ) from None
    return 1 if "invalid" in counts else 0


def _say(text: str) -> None:
    print(f"codealign execute: {text}", file=sys.stderr, flush=True)
