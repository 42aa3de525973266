"""Stage 3: alignment with DPO or BoNBoN, from the SFT model and against it (paper, section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from codealign.errors import CodealignError
from codealign.models import load, uses_chat
from codealign.params import Bonbon, Dpo
from codealign.records import Pair
from codealign.train.data import check_truncated, tokenize
from codealign.train.losses import bonbon_loss, bonbon_target, dpo_loss
from codealign.train.run import TrainJob, TrainResult, read_result


def train_align(
    pairs: Iterable[Pair],
    sft_adapter: Path | str,
    technique: Literal["dpo", "bonbon"],
    settings: Dpo | Bonbon,
    out: Path | str,
    seed: int,
) -> TrainResult:
    """Train the SFT adapter further by preference; continue if a run of it was cut short.

    The reference is the SFT model. Its log-probabilities are computed once, before training; at
    step 0 the margin must be 0 and the DPO loss ln 2 (to 1e-4), or nothing is trained.

    Parameters
    ----------
    sft_adapter : folder written by `train_sft`; names model and variant.
    technique : "dpo" with `params.Dpo`, "bonbon" with `params.Bonbon`.
    pairs, out, seed : as in `train_sft`.

    Raises
    ------
    CodealignError
        As `train_sft`; besides, no finished SFT in `sft_adapter`, or settings of the other
        technique.
    """
    start = read_result(sft_adapter)
    if start is None:
        raise CodealignError(f"{sft_adapter}: no finished SFT here; run the SFT stage first")
    loss, target = pair_loss(technique, settings)
    job = TrainJob(
        technique, start.model, start.variant, settings, Path(out), seed, list(pairs),
        str(sft_adapter),
    )  # fmt: skip
    if result := job.finished():
        return result
    policy, tokenizer = load(
        job.model,
        job.variant,
        sft_adapter,
        backend=settings.backend,
        training=True,
        lora=settings.lora,
        attention=settings.attention,
        max_length=settings.max_length,
        gradient_checkpointing=settings.gradient_checkpointing,
        seed=seed % 2**32,
    )
    chat = uses_chat(job.model, job.variant)
    rows = tokenize(job.pairs, tokenizer, settings.max_length, chat=chat)
    truncated = check_truncated(rows, settings.max_length, settings.max_truncated)
    job.prepare()
    from codealign.train.trainers import align_trainer

    beta = settings.beta if isinstance(settings, Dpo) else 1.0
    trainer = align_trainer(policy, tokenizer, rows, job.arguments(), loss, beta)
    return job.run(trainer, tokenizer, truncated, target=target)


def pair_loss(technique: str, settings: Dpo | Bonbon) -> tuple[Any, float | None]:
    """Return the loss as a function of log-probabilities, and BoNBoN's target gap (else None)."""
    if technique == "dpo" and isinstance(settings, Dpo):
        return partial(dpo_loss, beta=settings.beta), None
    if technique == "bonbon" and isinstance(settings, Bonbon):
        target = bonbon_target(settings.n, settings.target, settings.pass_rate)
        return partial(bonbon_loss, alpha=settings.alpha, target=target), target
    raise CodealignError(
        f"alignment: technique {technique!r} with {type(settings).__name__} params"
    )
