"""Stage 3: alignment with DPO or BoNBoN, from the SFT model and against it (paper, section 3).

An ablation may leave SFT out: then the base model is what is aligned, and the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from codealign.errors import CodealignError
from codealign.params import Bonbon, Dpo, Variant
from codealign.records import Pair
from codealign.train.losses import bonbon_loss, bonbon_target, dpo_loss
from codealign.train.run import TrainJob, TrainResult, read_result


def train_align(
    pairs: Iterable[Pair],
    start: Path | str | tuple[str, Variant],
    technique: Literal["dpo", "bonbon"],
    settings: Dpo | Bonbon,
    out: Path | str,
    seed: int,
) -> TrainResult:
    """Train a model further by preference; continue if a run of it was cut short.

    The reference is the model it starts from. Its log-probabilities are computed once, before
    training; at step 0 the margin must be 0 and the DPO loss ln 2 (to 1e-4), or nothing is trained.

    Parameters
    ----------
    start : folder written by `train_sft`, which names model and variant; or (model, variant), to
        align the base model.
    technique : "dpo" with `params.Dpo`, "bonbon" with `params.Bonbon`.
    pairs, out, seed : as in `train_sft`.

    Raises
    ------
    CodealignError
        As `train_sft`; besides, no finished SFT in `start`, or settings of the other
        technique.
    """
    model, variant, adapter = _origin(start)
    loss, target = pair_loss(technique, settings)
    job = TrainJob(
        technique, model, variant, settings, Path(out), seed, list(pairs), str(adapter or "")
    )
    if result := job.finished():
        return result
    policy, tokenizer, rows = job.load()
    from codealign.train.trainers import align_trainer

    beta = settings.beta if isinstance(settings, Dpo) else 1.0
    trainer = align_trainer(policy, tokenizer, rows, job.arguments(rows), loss, beta)
    return job.run(trainer, tokenizer, rows, target=target)


def _origin(start: Path | str | tuple[str, Variant]) -> tuple[str, Variant, Path | None]:
    """Return model, variant and adapter (None: the base model) of what is aligned."""
    if isinstance(start, tuple):
        return *start, None
    result = read_result(start)
    if result is None:
        raise CodealignError(f"{start}: no finished SFT here; run the SFT stage first")
    return result.model, result.variant, Path(start)


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


def told_target(settings: Dpo | Bonbon) -> str:
    """Return in a sentence which target gap is in force, and for which reward it is derived."""
    if isinstance(settings, Dpo):
        return "DPO has no target gap: its loss falls as the gap grows."
    gap = bonbon_target(settings.n, settings.target, settings.pass_rate)
    case = f"n = {settings.n}, {settings.target} reward"
    if settings.target == "binary":
        return f"Target gap {gap:.2f} nats, for {case} with a pass rate of {settings.pass_rate}."
    other = bonbon_target(settings.n, "binary", settings.pass_rate)
    return (
        f"Target gap {gap:.2f} nats, for {case} as in BoNBoN's paper; for a reward of pass or "
        f"fail with a pass rate of {settings.pass_rate} it would be {other:.2f} (target: binary)."
    )
