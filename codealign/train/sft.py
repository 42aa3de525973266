"""Stage 2: supervised fine-tuning on the chosen responses (paper, section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from codealign.params import Sft, Variant
from codealign.records import Pair
from codealign.train.run import TrainJob, TrainResult


def train_sft(
    pairs: Iterable[Pair], model: str, variant: Variant, settings: Sft, out: Path | str, seed: int
) -> TrainResult:
    """Train a LoRA adapter on the chosen responses; continue if a run of it was cut short.

    Parameters
    ----------
    pairs : preference pairs; `prompt` is the bare task.
    model, variant : as in `models.load`.
    out : the adapter's folder: a standard PEFT adapter with its model card, `trainer_log.jsonl`,
        `training.json` (the result), and `checkpoints/` until training has finished.
    seed : of the adapter's start and of the order of the data. Two runs with one seed on one CPU
        give the same adapter to the bit, interrupted or not.

    Raises
    ------
    CodealignError
        No pairs; too many truncated; the model is unavailable; the loss is not a number; the disk
        is full.
    """
    job = TrainJob("sft", model, variant, settings, Path(out), seed, list(pairs))
    if result := job.finished():
        return result
    base, tokenizer, rows = job.load()
    from codealign.train.trainers import sft_trainer

    trainer = sft_trainer(base, tokenizer, rows, job.arguments(rows), settings.backend)
    return job.run(trainer, tokenizer, rows)
