"""Where training is tracked besides its log file: TensorBoard, trackio, Weights & Biases."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError


def require(names: Sequence[str]) -> None:
    """Check that the packages of these trackers are installed.

    Raises
    ------
    CodealignError
        One is not.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise CodealignError(
                f"report_to: {name} is not installed; `pip install {name}`, or take it out of "
                "report_to (the log file and the curves need none)"
            )


def place(trainer: Any, folder: Path) -> None:
    """Have TensorBoard's files written to `folder`, unless TENSORBOARD_LOGGING_DIR names one."""
    for callback in trainer.callback_handler.callbacks:
        if type(callback).__name__ == "TensorBoardCallback" and callback.logging_dir is None:
            callback.logging_dir = str(folder)
