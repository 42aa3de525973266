"""The part of Colab's interface that mounts a drive; here a folder that the test names."""

from __future__ import annotations

import os
from pathlib import Path


def mount(mountpoint: str) -> None:
    """Give the folder in `STAND_IN_DRIVE` as the drive; without one, fail as a declined dialog."""
    from codealign.workflow import colab

    if "STAND_IN_DRIVE" not in os.environ:
        raise ValueError("mount failed")
    colab.MOUNT = os.environ["STAND_IN_DRIVE"]
    (Path(colab.MOUNT) / "MyDrive").mkdir(parents=True, exist_ok=True)
