"""Commands that start and watch a run."""

from __future__ import annotations

import argparse
import os

from codealign.commands import AddCommand, in_project, run_folder, whole
from codealign.paths import PROJECT


def add(command: AddCommand) -> None:
    """Add `reproduce`, `status` and `doctor`."""
    sub = command("reproduce", _reproduce, "run a profile from preference data to the report")
    sub.add_argument("--params", default="params/nano.yaml", help="profile (default: %(default)s)")
    sub.add_argument("--only", default="", metavar="STAGE", help="one notebook and what it needs")
    sub.add_argument(
        "--cores", type=whole(1, 4096), default=os.cpu_count() or 1, help="jobs at once"
    )
    sub.add_argument("--profile", default="local", help="folder in workflow/profiles")
    sub.add_argument("--dry-run", action="store_true", help="say what would run, and why")
    sub.add_argument("--quiet", action="store_true", help="say failures and the summary alone")

    sub = command("status", _status, "say which jobs of a run are done")
    sub.add_argument("run", nargs="?", default="runs/nano", help="default: %(default)s")

    command("doctor", _doctor, "say what this machine can do and how to get what is missing")


def _reproduce(args: argparse.Namespace) -> int:
    from codealign.params import load_params

    print(f"project: {PROJECT}", flush=True)
    file = in_project(args.params)
    load_params(file)  # its faults are said before the workflow's libraries are imported
    from codealign.workflow.reproduce import reproduce

    return reproduce(
        file, args.cores, only=args.only, dry_run=args.dry_run, profile=args.profile,
        quiet=args.quiet,
    )  # fmt: skip


def _status(args: argparse.Namespace) -> int:
    print(f"project: {PROJECT}", flush=True)
    run = run_folder(args.run)
    from codealign.workflow.state import judge_run, state_lines

    print("\n".join(state_lines(judge_run(run))))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from codealign.doctor import examine

    for finding in examine():
        print(finding, flush=True)
    return 0
