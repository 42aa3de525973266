"""The `codealign` command."""

from __future__ import annotations

import argparse
import os
import sys

from codealign import __version__
from codealign.commands import (
    INTERRUPTED,
    Command,
    Parser,
    evaluation,
    judging,
    models,
    own,
    results,
    runs,
    training,
)
from codealign.errors import CodealignError
from codealign.noise import hush

GROUPS = (runs, own, models, training, evaluation, judging, results)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(prog="codealign", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run_command=run)
        return sub

    for group in GROUPS:
        group.add(command)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code (1 after an error, 2 for wrong usage)."""
    if hasattr(sys.stdout, "reconfigure"):  # a terminal may lack letters: C locale, ASCII
        sys.stdout.reconfigure(errors="replace")
    hush()
    args = build_parser().parse_args(argv)
    try:
        return args.run_command(args)
    except CodealignError as error:
        print(f"codealign: {error}", file=sys.stderr)
        return 1
    except (NotADirectoryError, IsADirectoryError, PermissionError) as error:
        if not error.filename:
            raise
        print(f"codealign: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("codealign: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
