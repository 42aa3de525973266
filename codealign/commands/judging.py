"""Commands around the judging of CODAL answers: further judges, people."""

from __future__ import annotations

import argparse

from codealign.commands import AddCommand, number, run_folder, whole


def add(command: AddCommand) -> None:
    """Add `judge` and `rating-sheet`."""
    sub = command("judge", _judge, "let a further judge rate the answers of a finished run")
    sub.add_argument("run", help="run folder, e.g. runs/nano")
    sub.add_argument("name", help="`static_b`, `local:<model>` or a model's name at a server; "
                     "`reasoning:<name>`: one that refuses max_tokens and temperature")  # fmt: skip
    sub.add_argument("--base-url", default="", help="an OpenAI-compatible server")
    sub.add_argument(
        "--in-flight", type=whole(1, 1024), default=8, help="requests under way at once"
    )
    sub.add_argument("--batch", action="store_true", help="OpenAI's Batch API")
    sub.add_argument("--spend-limit", type=number(0), default=0.0, help="US dollars; 0: none")
    sub.add_argument("--price", type=number(0), nargs=2, default=(0.0, 0.0), metavar=("IN", "OUT"),
                     help="US dollars per million tokens; default: the listed price")  # fmt: skip
    sub.add_argument("--max-tokens", type=whole(0, 2**20), default=0,
                     help="longest reply (default: 1024; of `reasoning:<name>` 8192)")  # fmt: skip
    sub.add_argument("--estimate", action="store_true", help="say what it will cost, ask nothing")

    sub = command("rating-sheet", _sheet, "write a sheet for people: CSV, and a page to rate on")
    sub.add_argument("run", help="run folder, e.g. runs/nano")
    sub.add_argument("--out", default="rating_sheet", help="folder (default: %(default)s)")
    sub.add_argument("--per-dimension", type=whole(1), default=40, help="default: %(default)s")
    sub.add_argument("--seed", type=whole(0), default=0, help="of the draw (default: %(default)s)")


def _judge(args: argparse.Namespace) -> int:
    run_folder(args.run)
    from codealign.evaluate.judges import open_judge
    from codealign.paths import RunPaths

    judge = open_judge(
        args.name,
        base_url=args.base_url,
        in_flight=args.in_flight,
        cache=RunPaths(args.run).top / "replies",
        batch=args.batch,
        spend_limit=args.spend_limit,
        price=tuple(args.price),
        max_tokens=args.max_tokens,
        paying=not args.estimate,
    )
    from codealign.analysis.ratings import estimate_run, judge_run

    if args.estimate:
        print(estimate_run(args.run, judge))
        return 0
    for line in judge_run(args.run, judge):
        print(line, flush=True)
    return 0


def _sheet(args: argparse.Namespace) -> int:
    run_folder(args.run)
    from codealign.analysis.ratings import write_sheet

    paths = write_sheet(args.run, args.out, args.per_dimension, args.seed)
    print("\n".join(f"wrote {path}" for path in paths))
    print(f"open {paths[1]} in a browser; give the CSV it exports as survey.human_ratings")
    return 0
