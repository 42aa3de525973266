"""Commands around the preference data: what a run will take, and sharing what it made."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codealign.commands import AddCommand, add_profile, changes_of, in_project, number, run_folder
from codealign.errors import CodealignError
from codealign.paths import PROJECT

if TYPE_CHECKING:
    from codealign.params import Params
    from codealign.workflow.estimate import Estimate


def add(command: AddCommand) -> None:
    """Add `plan` and `push-pairs`."""
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

    sub = command("push-pairs", _push_pairs, "put preference pairs on the Hugging Face hub")
    sub.add_argument("folder", help="e.g. runs/nano/prefs/nano/functional")
    sub.add_argument("--repo", required=True, help="data set to write, e.g. me/nano-functional")
    sub.add_argument("--public", action="store_true", help="anyone may read it (default: private)")


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


def _push_pairs(args: argparse.Namespace) -> int:
    from codealign.prefs.push import push

    print(f"pushed {push(Path(args.folder), args.repo, public=args.public)}")
    return 0
