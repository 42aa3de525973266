"""Training in several processes, one per device, as `accelerate launch` starts them.

Each process takes its share of every batch and the gradients are averaged, so that the batch of an
optimiser step is `batch_size * accumulation * processes`.
"""

from __future__ import annotations

import os

from codealign.errors import CodealignError


def count() -> int:
    """Return how many processes train together; 1 if none was launched beside this one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Tell whether this is the process that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def wait() -> None:
    """Wait until every process has come here."""
    if count() > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available()).wait_for_everyone()


def check_backend(backend: str) -> None:
    """Refuse several processes on Unsloth.

    Its documentation names data-parallel training through accelerate as possible and official
    support as to come; this project has not tried it, and trains with it on one GPU.

    Raises
    ------
    CodealignError
        More than one process with `backend: unsloth`.
    """
    if count() > 1 and backend == "unsloth":
        raise CodealignError(
            f"training: {count()} processes with backend: unsloth, which is used on one GPU here; "
            "set backend: peft for data-parallel training"
        )
