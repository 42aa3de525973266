"""The command that lays out a project folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from codealign.commands import AddCommand
from codealign.errors import CodealignError


def add(command: AddCommand) -> None:
    """Add `init`."""
    sub = command("init", _init, "lay out notebooks, params and workflow in a new folder")
    sub.add_argument("folder", help="new or empty folder")


def _init(args: argparse.Namespace) -> int:
    from codealign.workflow.layout import PARTS, lay_out

    folder = Path(args.folder)
    if folder.exists() and any(folder.iterdir()):
        raise CodealignError(f"{folder}: not empty; name a new folder")
    lay_out(folder)
    print(f"wrote {', '.join(PARTS)} to {folder}; next: cd {folder} && codealign reproduce")
    return 0
