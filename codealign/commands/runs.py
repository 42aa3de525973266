"""Commands that start and watch a run."""

from __future__ import annotations

import argparse
import os

from codealign.commands import AddCommand, add_profile, changes_of, in_project, run_folder, whole
from codealign.paths import PROJECT


def add(command: AddCommand) -> None:
    """Add `reproduce`, `status` and `doctor`."""
    sub = command("reproduce", _reproduce, "run a profile from preference data to the report")
    add_profile(sub)
    sub.add_argument("--only", default="", metavar="STAGE", help="one notebook and what it needs")
    sub.add_argument(
        "--cores", type=whole(1, 4096), default=os.cpu_count() or 1, help="jobs at once"
    )
    sub.add_argument("--profile", default="local", help="folder in workflow/profiles")
    sub.add_argument("--dry-run", action="store_true", help="say what would run, and why")
    sub.add_argument("--quiet", action="store_true", help="say failures and the summary alone")

    sub = command("status", _status, "say which jobs of a run are done")
    sub.add_argument("run", nargs="?", default="runs/nano", help="default: %(default)s")

    sub = command(
        "doctor", _doctor, "say what this machine, or a profile on it, lacks, and how to get it"
    )
    add_profile(sub, default=None)


def _reproduce(args: argparse.Namespace) -> int:
    from codealign.params import load_params

    print(f"project: {PROJECT}", flush=True)
    file = in_project(args.params)
    changes = changes_of(args)
    load_params(file, changes)  # reports its faults before the workflow's libraries are imported
    from codealign.workflow.reproduce import reproduce

    return reproduce(
        file, args.cores, only=args.only, dry_run=args.dry_run, profile=args.profile,
        quiet=args.quiet, changes=changes,
    )  # fmt: skip


def _status(args: argparse.Namespace) -> int:
    print(f"project: {PROJECT}", flush=True)
    run = run_folder(args.run)
    from codealign.workflow.state import judge_run, state_lines

    print("\n".join(state_lines(judge_run(run))))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from codealign.doctor import examine

    if not args.params:
        for finding in examine():
            print(finding, flush=True)
        return 0
    from codealign.params import load_params

    params = load_params(in_project(args.params), changes_of(args))
    from codealign.workflow.plan import make_plan
    from codealign.workflow.preflight import preflight

    lacking = 0
    for finding in preflight(make_plan(params), PROJECT / "runs" / params.profile):
        print(finding, flush=True)
        lacking += not finding.ok
    print(f"{lacking} missing" if lacking else "nothing is missing")
    return 1 if lacking else 0
