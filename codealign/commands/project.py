"""Commands on a project folder: laying one out, and naming its public address."""

from __future__ import annotations

import argparse
from pathlib import Path

from codealign.commands import AddCommand
from codealign.errors import CodealignError


def add(command: AddCommand) -> None:
    """Add `init` and `publish-address`."""
    sub = command("init", _init, "lay out notebooks, params and workflow in a new folder")
    sub.add_argument("folder", help="new or empty folder")

    sub = command("publish-address", _publish, "set the repository's public address everywhere")
    sub.add_argument("url", help="https://github.com/OWNER/NAME; an empty one takes it back")


def _init(args: argparse.Namespace) -> int:
    from codealign.workflow.layout import PARTS, lay_out

    folder = Path(args.folder)
    if folder.exists() and any(folder.iterdir()):
        raise CodealignError(f"{folder}: not empty; name a new folder")
    lay_out(folder)
    print(f"wrote {', '.join(PARTS)} to {folder}; next: cd {folder} && codealign reproduce")
    return 0


def _publish(args: argparse.Namespace) -> int:
    from codealign.paths import PROJECT

    if not (PROJECT / "CITATION.cff").exists():
        raise CodealignError(f"{PROJECT}: no clone of codealign; run this in one")
    from codealign.badges import publish

    for path in publish(args.url):
        print(f"wrote {path.relative_to(PROJECT)}")
    return 0
