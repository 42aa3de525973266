"""The `codealign` command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from codealign import __version__
from codealign.errors import CodealignError

Command = Callable[[argparse.Namespace], int]


def _reproduce(args: argparse.Namespace) -> int:
    from codealign.workflow.reproduce import reproduce

    return reproduce(
        Path(args.params), args.cores, only=args.only, dry_run=args.dry_run, profile=args.profile
    )


def _status(args: argparse.Namespace) -> int:
    from codealign.workflow.status import status_lines

    print("\n".join(status_lines(Path(args.run))))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from codealign.doctor import examine

    for finding in examine():
        print(finding, flush=True)
    return 0


def _tables(args: argparse.Namespace) -> int:
    from codealign.analysis.source import open_source
    from codealign.analysis.tables import write_tables

    found = open_source(args.source)
    return _say_written(write_tables(Path(args.out), found.scores, found.context))


def _figures(args: argparse.Namespace) -> int:
    from codealign.analysis.figures import write_figures
    from codealign.analysis.source import open_source

    found = open_source(args.source)
    return _say_written(write_figures(Path(args.out), found.scores, found.context, found.items))


def _say_written(paths: list[Path]) -> int:
    for path in paths:
        print(f"wrote {path}")
    return 0


def _claims(args: argparse.Namespace) -> int:
    from codealign.analysis.claims import claims_markdown, ledger
    from codealign.analysis.source import open_source

    found = open_source(args.source)
    claims = ledger(found.scores, source=found.name, items=found.items)
    if args.json:
        print(json.dumps([claim.to_json() for claim in claims], indent=1))
    else:
        print(claims_markdown(claims))
    return 0


def _advise(args: argparse.Namespace) -> int:
    from codealign.analysis.advice import advice_markdown, advise
    from codealign.analysis.source import open_source

    found = open_source(args.source)
    print(advice_markdown(advise(found.scores, found.items)))
    return 0


def _execute(args: argparse.Namespace) -> int:
    from codealign.sandbox import execute_stream

    execute_stream(sys.stdin, sys.stdout, workers=args.workers, accept=args.accept)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="codealign", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run_command=run)
        return sub

    sub = command("reproduce", _reproduce, "run a profile from preference data to the report")
    sub.add_argument("--params", default="params/nano.yaml", help="profile (default: %(default)s)")
    sub.add_argument("--only", default="", metavar="STAGE", help="one notebook and what it needs")
    sub.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="jobs at once")
    sub.add_argument("--profile", default="local", help="folder in workflow/profiles")
    sub.add_argument("--dry-run", action="store_true", help="say what would run")

    sub = command("status", _status, "say which jobs of a run are done")
    sub.add_argument("run", nargs="?", default="runs/nano", help="default: %(default)s")

    command("doctor", _doctor, "say what this machine can do and how to get what is missing")

    for name, run, out in (
        ("tables", _tables, "paper_tables/paper"),
        ("figures", _figures, "figures/paper"),
    ):
        sub = command(name, run, f"regenerate the paper's {name} from scores")
        _add_source(sub)
        sub.add_argument("--out", default=out, help="folder to write to (default: %(default)s)")

    sub = command("claims", _claims, "recompute every claim of the paper, with rule and verdict")
    _add_source(sub)
    sub.add_argument("--json", action="store_true", help="a list of objects instead of Markdown")

    sub = command("advise", _advise, "hold the paper's recommendations against a run's scores")
    sub.add_argument("source", help="run folder, e.g. runs/nano, or `paper`")

    sub = command("execute", _execute, "run programs, one JSON line each, in the sandbox")
    sub.add_argument("--json", action="store_true", help="JSON Lines in and out (the only format)")
    sub.add_argument("--workers", type=int, default=1)
    sub.add_argument("--accept", choices=("strong", "basic"), default="strong")
    return parser


def _add_source(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--source", default="paper", help="`paper` or a run folder such as runs/nano")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code (1 after an error, 2 for wrong usage)."""
    args = build_parser().parse_args(argv)
    try:
        return args.run_command(args)
    except CodealignError as error:
        print(f"codealign: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
