"""A project folder: notebooks, params and workflow, as the package brings them."""

from __future__ import annotations

import shutil
from pathlib import Path

from codealign.paths import shipped

PARTS = ("notebooks", "params", "workflow")
PASSING = ("__pycache__", ".ipynb_checkpoints")


def lay_out(folder: Path) -> list[Path]:
    """Copy what the package brings into a folder, but nothing over a file that is there.

    Returns the files written.
    """
    written = []
    for part in PARTS:
        for path in sorted((shipped() / part).rglob("*")):
            target = folder / path.relative_to(shipped())
            if path.is_file() and not target.exists() and not set(PASSING) & {*path.parts}:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                written.append(target)
    return written
