"""Commands around the reference result of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from codealign.commands import AddCommand, run_folder


def add(command: AddCommand) -> None:
    """Add `keep` and `agree`."""
    sub = command("keep", _keep, "copy a finished study's result to the folder that is committed")
    sub.add_argument("run", nargs="?", default="runs/nano_study", help="default: %(default)s")
    sub.add_argument("--out", default="nano/results", help="default: %(default)s")

    sub = command("agree", _agree, "say whether a run agrees with a kept result, cell by cell")
    sub.add_argument("run", nargs="?", default="runs/nano", help="default: %(default)s")
    sub.add_argument("--reference", default="nano/results/seeds.csv", help="default: %(default)s")


def _keep(args: argparse.Namespace) -> int:
    run = run_folder(args.run)
    from codealign.paths import RunPaths
    from codealign.report.keep import keep

    written = keep(RunPaths(run), Path(args.out))
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} files, {size / 2**20:.1f} MiB, in {args.out}")
    return 0


def _agree(args: argparse.Namespace) -> int:
    run_folder(args.run)
    from codealign.analysis.study.reference import agreement, read_seeds, run_seeds

    agreed = agreement(read_seeds(args.reference), run_seeds(args.run))
    off = agreed[~agreed["agrees"]]
    print(f"{len(agreed)} cells in both, {len(off)} beyond the stated spread")
    if len(off):
        print(off.round(2).to_string(index=False))
    return 1 if len(off) else 0
