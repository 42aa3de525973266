"""`python -m nano.lab build`: make nano from nothing; its parts can be run alone.

`python -m nano.lab mislead`: the two models of the control, which have a habit of mistakes.
`python -m nano.lab room`: what pairs could teach a model.
`python -m nano.lab doses`: the models of params/nano_dose.yaml; `dose-table`: what its run found.
`python -m nano.lab keep`: what is committed of a finished study.

To be run in the root of a clone: the laboratory is no part of the installed package.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from codealign.errors import CodealignError
from codealign.paths import NANO_DATA, NANO_POOL, NANO_WEIGHTS, PROJECT, RunPaths
from nano.lab.benchmarks import write_benchmarks
from nano.lab.recipe import Recipe
from nano.lab.seeds import write_pool

PARTS = ("benchmarks", "pool", "pretrain", "finetune", "card", "account")
MISLED = PROJECT / ".cache" / "off_by_one"
DOSES = PROJECT / ".cache" / "dose"


def build(parts: list[str], weights: Path, seed: int) -> None:
    """Run some of PARTS in their order; each reads what the earlier ones wrote."""
    from nano.lab.account import write_account
    from nano.lab.build import build_finetuned, build_pretrained
    from nano.lab.card import write_card

    recipe = Recipe(seed=seed)
    pretrained, finetuned = weights / "pretrained", weights / "finetuned"
    if "benchmarks" in parts:
        counts = write_benchmarks(NANO_DATA)
        print("benchmarks:", ", ".join(f"{n} {name}" for name, n in counts.items()))
    if "pool" in parts:
        tested = write_pool(NANO_POOL)
        print(f"pool: {len(tested)} seeds, {sum(tested.values())} functions with hidden tests")
    if "pretrain" in parts:
        build_pretrained(pretrained, recipe)
    if "finetune" in parts:
        build_finetuned(finetuned, recipe, pretrained)
    if "card" in parts:
        for variant, numbers in write_card(weights).items():
            print(variant, ", ".join(f"{k} {v:.3f}" for k, v in numbers.items()))
    if "account" in parts:
        print((write_account(NANO_DATA, weights, recipe) / "README.md").read_text(encoding="utf-8"))


def _room(model: str, count: int) -> None:
    """Print a line of counts per variant."""
    from codealign.generate.local import LocalEngine
    from codealign.models import load
    from nano.lab.room import room

    for variant in ("pretrained", "finetuned"):
        engine = LocalEngine(*load(model, variant, None, backend="peft", training=False))
        counts = room(engine, variant == "finetuned", count)
        print(f"{variant}:", ", ".join(f"{n} {what}" for what, n in counts.items()), flush=True)


def _mislead(folder: Path) -> None:
    from nano.lab.misled import build_misled

    build_misled(folder, Recipe(), NANO_WEIGHTS)


def _doses(folder: Path, cores: int) -> None:
    from nano.lab.dose import build_doses

    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        build_doses(folder, NANO_WEIGHTS, each=pool.map)


def _dose_table(run: Path, out: Path, models: Path) -> None:
    from nano.lab.dose import write_doses

    print(write_doses(run, models, out))


def _keep(run: Path, out: Path) -> None:
    from nano.lab.keep import keep

    written = keep(RunPaths(run), out)
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} files, {size / 2**20:.1f} MiB, in {out}")


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "build": lambda asked: build(asked.parts, asked.weights, asked.seed),
    "mislead": lambda asked: _mislead(asked.folder),
    "room": lambda asked: _room(asked.model, asked.count),
    "doses": lambda asked: _doses(asked.folder, asked.cores),
    "dose-table": lambda asked: _dose_table(asked.run, asked.out, asked.models),
    "keep": lambda asked: _keep(asked.run, asked.out),
}


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m nano.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="make benchmarks, seeds, weights and cards")
    command.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    command.add_argument("--weights", type=Path, default=NANO_WEIGHTS, help="folder to write to")
    command.add_argument("--seed", type=int, default=Recipe.seed)
    command = commands.add_parser("mislead", help="teach the shipped models to be off by one")
    command.add_argument("folder", nargs="?", type=Path, default=MISLED, help="to write them to")
    command = commands.add_parser("room", help="count what pairs of hidden labels could teach")
    command.add_argument("--model", default="nano", help="as in a profile's models")
    command.add_argument("--count", type=int, default=400, help="seed functions")
    command = commands.add_parser("doses", help="three pretrainings, each with more and more chats")
    command.add_argument("folder", nargs="?", type=Path, default=DOSES, help="to write them to")
    command.add_argument("--cores", type=int, default=1, help="pretrainings beside each other")
    command = commands.add_parser("dose-table", help="write what the run of the doses found")
    command.add_argument("run", type=Path, help="a finished run of params/nano_dose.yaml")
    command.add_argument("out", type=Path, help="folder to write it to")
    command.add_argument("--models", type=Path, default=DOSES, help="folder that `doses` wrote")
    command = commands.add_parser("keep", help="copy a finished study's result to be committed")
    command.add_argument("run", type=Path, help="e.g. runs/nano_study")
    command.add_argument("out", type=Path, help="folder to write it to, e.g. nano/results")
    chosen = parser.parse_args(arguments)
    if chosen.command == "build" and (unknown := set(chosen.parts) - set(PARTS)):
        parser.error(f"unknown part {sorted(unknown)[0]!r}; parts: {', '.join(PARTS)}")
    try:
        COMMANDS[chosen.command](chosen)
    except CodealignError as error:
        sys.exit(f"{parser.prog} {chosen.command}: {error}")


if __name__ == "__main__":
    main()
