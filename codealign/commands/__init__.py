"""The subcommands of `codealign`: one module per group, each with `add(command)`.

`command(name, run, help)` makes the parser of one subcommand; `run(args)` returns the exit code.
A group does its imports inside its functions, so that `codealign --help` starts fast.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from codealign.errors import CodealignError
from codealign.paths import PROJECT

Command = Callable[[argparse.Namespace], int]
INTERRUPTED = 130  # exit code, as a shell reports an interrupt
AddCommand = Callable[[str, Command, str], argparse.ArgumentParser]


def in_project(text: str) -> Path:
    """Return the place of a file or folder: in the working folder, else in the project."""
    place = Path(text)
    return place if place.exists() or not (PROJECT / place).exists() else PROJECT / place


def run_folder(text: str, instead: str = "") -> Path:
    """Return a run's folder, here or in the project.

    It is looked for before the libraries that read runs are imported.

    Raises
    ------
    CodealignError
        There is no such folder; `instead` says what else may be given.
    """
    place = in_project(text)
    if not place.is_dir():
        raise CodealignError(f"{text}: no such run folder; give {instead}e.g. runs/nano")
    return place


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is what `--help` is for."""

    def error(self, message: str) -> NoReturn:
        """End with the message and exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def whole(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """Return the type of an option that takes whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not {least} to {most}")
        return value

    return read


def number(least: float, most: float = 1e9) -> Callable[[str], float]:
    """Return the type of an option that takes numbers from `least` to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not {least:g} to {most:g}")
        return value

    return read


def add_profile(sub: argparse.ArgumentParser, default: str | None = "params/nano.yaml") -> None:
    """Add the options that name a profile and change it for one run."""
    shown = " (default: %(default)s)" if default else ""
    sub.add_argument("--params", default=default, help=f"profile{shown}")
    in_place = "a setting in place of the profile's, e.g. align.dpo.beta=0.5"
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=in_place)
    sub.add_argument("--model", action="append", help="a name in params/models.yaml, a folder or a "
                     "Hugging Face id, in place of the profile's models")  # fmt: skip
    sub.add_argument("--limit", type=whole(0), metavar="N",
                     help="the first N problems of each benchmark (0: all)")  # fmt: skip
    sub.add_argument("--seeds", type=whole(1, 100), metavar="N", help="train with seeds 0 to N-1")


def changes_of(args: argparse.Namespace) -> list[str]:
    """Return the changes that these options ask for, as `params.load_params` takes them."""
    changes = list(args.set)
    if args.model:
        changes.append(f"models={json.dumps(args.model)}")
    if args.limit is not None:
        changes += [f"functional.limit={args.limit}", f"codal.limit={args.limit}"]
    if args.seeds:
        changes.append(f"study.seeds={list(range(args.seeds))}")
    return changes
