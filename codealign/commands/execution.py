"""The command that runs programs in the sandbox."""

from __future__ import annotations

import argparse
import sys

from codealign.commands import AddCommand


def add(command: AddCommand) -> None:
    """Add `execute`."""
    sub = command("execute", _execute, "run programs, one JSON line each, in the sandbox")
    sub.add_argument("--json", action="store_true", help="JSON Lines in and out (the only format)")
    sub.add_argument("--workers", type=int, default=1)
    sub.add_argument("--accept", choices=("strong", "basic"), default="strong")


def _execute(args: argparse.Namespace) -> int:
    from codealign.sandbox import execute_stream

    execute_stream(sys.stdin, sys.stdout, workers=args.workers, accept=args.accept)
    return 0
