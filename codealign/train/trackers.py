"""Where training is tracked besides its log file: TensorBoard, trackio, Weights & Biases."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError

PACKAGES = {
    "tensorboard": ("tensorboardX", "tensorboard"),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}
"""What each tracker is written with; the first of several is in the lock file."""


def require(names: Sequence[str]) -> None:
    """Check that a package of each of these trackers is installed.

    Raises
    ------
    CodealignError
        One is not.
    """
    for name in names:
        if not any(importlib.util.find_spec(package) for package in PACKAGES[name]):
            package = PACKAGES[name][0]
            raise CodealignError(
                f"report_to: {package} is not installed; `pip install {package}`, or take it out "
                "of report_to (the log file and the curves need none)"
            )


def place(trainer: Any, folder: Path) -> None:
    """Have TensorBoard's files written to `folder`, unless TENSORBOARD_LOGGING_DIR names one."""
    for callback in trainer.callback_handler.callbacks:
        if type(callback).__name__ == "TensorBoardCallback" and callback.logging_dir is None:
            callback.logging_dir = str(folder)
