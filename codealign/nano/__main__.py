"""`python -m codealign.nano build`: make nano from nothing; its parts can be run alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from codealign.nano.benchmarks import write_benchmarks
from codealign.nano.recipe import Recipe
from codealign.paths import NANO_DATA, NANO_WEIGHTS

PARTS = ("benchmarks", "pretrain", "finetune", "card", "account")


def build(parts: list[str], weights: Path, seed: int) -> None:
    """Run some of PARTS in their order; each reads what the earlier ones wrote."""
    from codealign.nano.account import write_account
    from codealign.nano.build import build_finetuned, build_pretrained
    from codealign.nano.card import write_card

    recipe = Recipe(seed=seed)
    pretrained, finetuned = weights / "pretrained", weights / "finetuned"
    if "benchmarks" in parts:
        counts = write_benchmarks(NANO_DATA)
        print("benchmarks:", ", ".join(f"{n} {name}" for name, n in counts.items()))
    if "pretrain" in parts:
        build_pretrained(pretrained, recipe)
    if "finetune" in parts:
        build_finetuned(finetuned, recipe, pretrained)
    if "card" in parts:
        for variant, numbers in write_card(weights).items():
            print(variant, ", ".join(f"{k} {v:.3f}" for k, v in numbers.items()))
    if "account" in parts:
        print((write_account(NANO_DATA, weights, recipe) / "README.md").read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m codealign.nano", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="make benchmarks, weights and model card")
    command.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    command.add_argument("--weights", type=Path, default=NANO_WEIGHTS, help="folder to write to")
    command.add_argument("--seed", type=int, default=Recipe.seed)
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"unknown part {sorted(unknown)[0]!r}; parts: {', '.join(PARTS)}")
    build(chosen.parts, chosen.weights, chosen.seed)


if __name__ == "__main__":
    main()
