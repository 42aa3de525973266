"""Commands around the preference data: what a run will take, and sharing what it made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from codealign.commands import AddCommand


def add(command: AddCommand) -> None:
    """Add `plan` and `push-pairs`."""
    sub = command("plan", _plan, "say what a profile will take: jobs, time, storage, money")
    sub.add_argument("--params", default="params/nano.yaml", help="profile (default: %(default)s)")
    sub.add_argument(
        "--measured",
        metavar="RUN",
        help="finished run to take the time from (default: runs/<profile> if it is finished)",
    )
    sub.add_argument(
        "--price",
        nargs=2,
        type=float,
        default=(0.0, 0.0),
        metavar=("IN", "OUT"),
        help="US dollars for a million tokens sent to the judge and received",
    )
    sub.add_argument("--json", action="store_true", help="one object instead of text")

    sub = command("push-pairs", _push_pairs, "put preference pairs on the Hugging Face hub")
    sub.add_argument("folder", help="e.g. runs/nano/prefs/nano/functional")
    sub.add_argument("--repo", required=True, help="data set to write, e.g. me/nano-functional")
    sub.add_argument("--public", action="store_true", help="anyone may read it (default: private)")


def _plan(args: argparse.Namespace) -> int:
    from codealign.params import load_params
    from codealign.paths import PROJECT
    from codealign.workflow.estimate import estimate, estimate_lines

    params = load_params(args.params)
    finished = PROJECT / "runs" / params.profile
    run = Path(args.measured) if args.measured else finished
    known = args.measured or (finished / "cost.json").exists()
    found = estimate(params, run if known else None, tuple(args.price))
    print(json.dumps(found.to_json(), indent=1) if args.json else "\n".join(estimate_lines(found)))
    return 0


def _push_pairs(args: argparse.Namespace) -> int:
    from codealign.prefs.push import push

    print(f"pushed {push(Path(args.folder), args.repo, public=args.public)}")
    return 0
