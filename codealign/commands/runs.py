"""Commands that prepare, start and watch a run."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codealign.commands import (
    AddCommand,
    add_profile,
    changes_of,
    in_project,
    number,
    run_folder,
    whole,
)
from codealign.errors import CodealignError
from codealign.paths import PROJECT

if TYPE_CHECKING:
    from codealign.params import Params
    from codealign.workflow.estimate import Estimate


def add(command: AddCommand) -> None:
    """Add `init`, `plan`, `reproduce`, `status` and `doctor`."""
    sub = command("init", _init, "lay out notebooks, params and workflow in a new folder")
    sub.add_argument("folder", help="new or empty folder")

    sub = command("plan", _plan, "say what a profile will take: jobs, time, storage, money")
    add_profile(sub)
    sub.add_argument(
        "--measured",
        metavar="RUN",
        help="finished run to take the time from (default: runs/<profile> if it is finished)",
    )
    sub.add_argument(
        "--price",
        nargs=2,
        type=number(0),
        default=(0.0, 0.0),
        metavar=("IN", "OUT"),
        help="US dollars per million tokens sent to the judge and received",
    )
    sub.add_argument("--json", action="store_true", help="one object instead of text")

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


def _init(args: argparse.Namespace) -> int:
    from codealign.workflow.layout import PARTS, lay_out

    folder = Path(args.folder)
    if folder.exists() and any(folder.iterdir()):
        raise CodealignError(f"{folder}: not empty; name a new folder")
    lay_out(folder)
    print(f"wrote {', '.join(PARTS)} to {folder}; next: cd {folder} && codealign reproduce")
    return 0


def _plan(args: argparse.Namespace) -> int:
    from codealign.params import load_params

    params, price = load_params(in_project(args.params), changes_of(args)), tuple(args.price)
    print(f"project: {PROJECT}", file=sys.stderr)
    from codealign.workflow.estimate import estimate, estimate_lines

    finished = PROJECT / "runs" / params.profile
    if args.measured:
        estimated = estimate(params, run_folder(args.measured), price)
    elif (finished / "cost.json").exists():
        estimated = _by_own_run(params, finished, price)
    else:
        estimated = estimate(params, None, price)
    lines = [json.dumps(estimated.to_json(), indent=1)] if args.json else estimate_lines(estimated)
    print("\n".join(lines))
    return 0


def _by_own_run(params: Params, run: Path, price: tuple[float, float]) -> Estimate:
    """Take the time from the profile's own run, or say why it cannot be."""
    from codealign.workflow.estimate import estimate

    try:
        return estimate(params, run, price)
    except CodealignError as error:
        print(f"codealign: time is assumed, not measured: {error}", file=sys.stderr)
        return estimate(params, None, price)


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
