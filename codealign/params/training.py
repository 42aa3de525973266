"""Settings of stages 2 and 3, supervised fine-tuning and alignment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from codealign.params.section import Section


def _some_steps(steps: int) -> int:
    if steps == 0:
        raise ValueError("0 steps train nothing; -1 for the epochs, or at least 1")
    return steps


def check_logging(logging_steps: int, steps: int) -> None:
    """Refuse to train without an entry in the log: the result holds the last logged loss.

    Raises
    ------
    ValueError
        `steps`, the optimiser steps in all if it is positive, are fewer than `logging_steps`.
    """
    if 0 < steps < logging_steps:
        raise ValueError(
            f"logging_steps {logging_steps} is above the {steps} steps in all, so that nothing "
            "would be logged; lower it"
        )


class Lora(Section):
    """Low-rank adapter settings; not stated in the paper."""

    r: int = Field(16, ge=1, le=8192, description="rank")
    alpha: int = Field(32, ge=1, description="scaling numerator")
    dropout: float = Field(0.0, ge=0, lt=1)
    quantize: bool = Field(False, description="QLoRA: 4-bit base weights (needs a GPU)")


class Training(Section):
    """What SFT and alignment share."""

    backend: Literal["unsloth", "peft"] = "unsloth"
    epochs: float = Field(2.0, gt=0, le=10_000, description="the paper: 2 epochs, about 120k steps")
    max_steps: Annotated[int, AfterValidator(_some_steps)] = Field(
        -1, ge=-1, description="overrides epochs if positive"
    )
    pairs: int = Field(0, ge=0, description="pairs used, drawn by their ids; 0: all there are")
    batch_size: int = Field(
        1,
        ge=1,
        description="sequences (SFT) or pairs per device step; a CPU computes a large step in "
        "parts, to the same gradient",
    )
    accumulation: int = Field(1, ge=1, description="device steps per optimiser step")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="not stated in the paper")
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = Field(
        "cosine", description="of the learning rate; not stated in the paper"
    )
    warmup_steps: int = Field(10, ge=0)
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    max_length: int = Field(1024, ge=16, description="tokens; longer examples are truncated")
    max_truncated: float = Field(0.05, ge=0, le=1, description="refuse above this share")
    gradient_checkpointing: bool = False
    attention: Literal["eager", "sdpa"] = Field(
        "eager", description="eager is faster on a CPU, sdpa on a GPU"
    )
    bf16: bool = Field(
        True,
        description="half-precision autocast where it is faster than float32: on GPUs (float16 "
        "without bfloat16) and on CPUs with AMX",
    )
    logging_steps: int = Field(1, ge=1, description="steps between entries of the log")
    save_steps: int = Field(200, ge=1, description="steps between checkpoints")
    report_to: list[Literal["tensorboard", "trackio", "wandb"]] = Field(
        default=[], description="trackers beside the log file and the notebook's curves"
    )
    lora: Lora = Lora()

    @model_validator(mode="after")
    def _something_is_logged(self) -> Self:
        check_logging(self.logging_steps, self.max_steps)
        return self


class Sft(Training):
    """Stage 2: supervised fine-tuning on the chosen responses."""


class Preference(Training):
    """What the alignment techniques share."""

    start: Literal["sft", "base"] = Field("sft", description="the model aligned, and the reference")
    placebo: bool = Field(
        False, description="exchange chosen and rejected of each pair by a toss of a coin"
    )


class Dpo(Preference):
    """Stage 3: Direct Preference Optimization (Rafailov et al. 2023)."""

    beta: float = Field(0.1, gt=0, description="not stated in the paper")
    max_grad_norm: float = Field(
        10.0,
        gt=0,
        description="of the DPO paper's code; on nano norms are about 1, so that it cuts outliers",
    )


class Bonbon(Preference):
    """Stage 3: BoNBoN (Gui, Garbacea and Veitch 2024), on summed log-probabilities.

    TRL's own `ipo` and `sft` losses average over tokens: another objective, no substitute.
    """

    alpha: float = Field(0.005, ge=0, le=1, description="weight of the SFT term")
    max_grad_norm: float = Field(
        1000.0,
        gt=0,
        description="cuts outliers: the norm is in proportion to the distance from the target, on "
        "nano 460 to 1,450 at the start. Clipped lower, steps have one length whatever the "
        "distance, and the squared loss acts like an absolute one",
    )
    n: int = Field(8, ge=2, description="size of the sample the best and worst are taken from")
    target: Literal["continuous", "binary"] = Field(
        "continuous", description="reward the target gap is derived for; the paper's is continuous"
    )
    pass_rate: float = Field(
        0.5, gt=0, lt=1, description="share of responses that pass, for the binary target"
    )


class Align(Section):
    """Stage 3: the settings of each alignment technique."""

    dpo: Dpo = Dpo()
    bonbon: Bonbon = Bonbon()


class Gates(Section):
    """Checks on what was measured between the stages: the study's recommendations R4, R7 and R9.

    `off` does not look, `warn` says what was measured, `stop` also keeps what follows from running:
    R4 this pathway's training, R7 its alignment, R9 the merging and publishing of its adapter.
    """

    baseline: Literal["off", "warn", "stop"] = Field(
        "warn", description="R4: the base's mean pass@1 is below `threshold` (functional only)"
    )
    sft: Literal["off", "warn", "stop"] = Field(
        "warn", description="R7: SFT made the scores worse, beyond the interval of the change"
    )
    alignment: Literal["off", "warn", "stop"] = Field(
        "warn", description="R9: the aligned model is worse than the base, beyond the interval"
    )
    threshold: float = Field(
        0.10, ge=0, le=1, description="least mean pass@1 of a base; the study's Observation 2"
    )
