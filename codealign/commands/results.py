"""Commands that compute from scores: published or measured."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from codealign.commands import AddCommand, run_folder
from codealign.errors import CodealignError


def add(command: AddCommand) -> None:
    """Add `tables`, `figures`, `claims`, `advise`, `compare`, `agree` and `export`."""
    for name, run in (("tables", _tables), ("figures", _figures)):
        folder = {"tables": "paper_tables/paper", "figures": "figures/paper"}[name]
        sub = command(name, run, f"regenerate the paper's {name} from scores")
        _add_source(sub)
        sub.add_argument("--out", default=folder, help="folder to write to (default: %(default)s)")

    sub = command("claims", _claims, "recompute every claim of the paper, with rule and verdict")
    _add_source(sub)
    sub.add_argument("--json", action="store_true", help="a list of objects instead of Markdown")
    sub.add_argument("--out", default="", help="folder for claims.md and claims.csv")

    sub = command("advise", _advise, "hold the paper's recommendations against a run's scores")
    sub.add_argument("source", help="run folder, e.g. runs/nano, or `paper`")

    sub = command("compare", _compare, "compare two runs: paired differences with intervals")
    sub.add_argument("first", help="run folder, e.g. runs/nano")
    sub.add_argument("second", help="run folder whose scores are held against the first's")
    sub.add_argument("--out", default="", help="folder for compare.md and compare.csv")
    sub.add_argument("--html", default="", metavar="FILE", help="a page with pictures")
    sub.add_argument("--json", action="store_true", help="every shared score as an object")

    sub = command("agree", _agree, "say whether a run agrees with a kept result, cell by cell")
    sub.add_argument("run", nargs="?", default="runs/nano", help="default: %(default)s")
    sub.add_argument("--reference", default="nano/results/seeds.csv", help="default: %(default)s")

    sub = command("export", _export, "write a run's scores as CSV and as model-card snippets")
    sub.add_argument("run", help="run folder, e.g. runs/nano")
    sub.add_argument("--out", required=True, help="folder to write to")


def _add_source(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--source", default="paper", help="`paper` or a run folder such as runs/nano")


def _check_source(source: str) -> None:
    if source != "paper":
        run_folder(source, "`paper` or ")


def _tables(args: argparse.Namespace) -> int:
    _check_source(args.source)
    from codealign.analysis.context import open_source
    from codealign.analysis.tables import write_tables

    source = open_source(args.source)
    return _say_written(write_tables(Path(args.out), source.scores, source.context))


def _figures(args: argparse.Namespace) -> int:
    _check_source(args.source)
    from codealign.analysis.claims import ledger
    from codealign.analysis.context import open_source
    from codealign.analysis.figures import write_figures

    source = open_source(args.source)
    claims = ledger(source.rows, source=source.name, items=source.items)
    return _say_written(
        write_figures(args.out, source.rows, source.context, source.items, claims=claims)
    )


def _say_written(paths: list[Path]) -> int:
    for path in paths:
        print(f"wrote {path}")
    return 0


def _claims(args: argparse.Namespace) -> int:
    _check_source(args.source)
    from codealign.analysis.claims import claims_markdown, ledger, write_claims
    from codealign.analysis.context import open_source
    from codealign.analysis.scores import PAPER, published

    source = open_source(args.source)
    claims = ledger(source.rows, source=source.name, items=source.items)
    on_paper = None if source.name == PAPER else ledger(published())
    if args.json:
        print(json.dumps([claim.to_json() for claim in claims], indent=1))
    elif args.out:
        return _say_written(write_claims(args.out, claims, on_paper))
    else:
        print(claims_markdown(claims, on_paper=on_paper))
    return 0


def _advise(args: argparse.Namespace) -> int:
    _check_source(args.source)
    from codealign.analysis.advice import advice_markdown, advise
    from codealign.analysis.context import open_source

    source = open_source(args.source)
    print(advice_markdown(advise(source.rows, source.items)))
    return 0


def _compare(args: argparse.Namespace) -> int:
    for run in (args.first, args.second):
        run_folder(run)
    from codealign.analysis.runs import compare_runs, comparison_markdown
    from codealign.records import write_text

    comparison = compare_runs(args.first, args.second)
    text = comparison_markdown(comparison, args.first, args.second)
    if args.html:
        from codealign.report.compare import write_comparison

        _say_written([write_comparison(comparison, args.first, args.second, Path(args.html))])
    if args.out:
        paths = [Path(args.out) / "compare.md", Path(args.out) / "compare.csv"]
        write_text(paths[0], text)
        write_text(paths[1], comparison.cells.to_csv(index=False))
        _say_written(paths)
    elif not args.html:
        print(comparison.cells.to_json(orient="records", indent=1) if args.json else text)
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


def _export(args: argparse.Namespace) -> int:
    run_folder(args.run)
    from codealign.analysis.cells import read_problems
    from codealign.analysis.changes import changes
    from codealign.analysis.export import write_export
    from codealign.analysis.scores import collect

    scores = collect(args.run)
    if scores.empty:
        raise CodealignError(f"{args.run}: no scores there; give the folder of a run")
    moved = changes(collect(args.run, each_seed=True), read_problems(args.run))
    return _say_written(write_export(Path(args.out), scores, moved))
