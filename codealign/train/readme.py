"""What a training run did, in words: the adapter's README, and the gap that was reached."""

from __future__ import annotations

from typing import Protocol

from codealign.params import Training
from codealign.paths import short_name
from codealign.registry import source

ENOUGH = 0.5
"""Share of BoNBoN's target gap that training must reach to be an experiment on BoNBoN."""
NO_EXPERIMENT = "Under half of it: too short of its target to be an experiment on BoNBoN"


class Trained(Protocol):
    """What is read of `train.run.TrainResult`."""

    stage: str
    model: str
    variant: str
    examples: int
    truncated: int
    steps: int
    loss: float
    target: float | None
    gap: float | None


def gap_told(result: Trained) -> str:
    """Return the gap that was reached, beside BoNBoN's target, in a sentence; "" of SFT."""
    if result.gap is None:
        return ""
    if result.target is None:
        return f"Gap reached: {result.gap:.2f} nats."
    share = result.gap / result.target
    sentence = (
        f"Gap reached: {result.gap:.2f} of {result.target:.2f} nats, {share:.0%} of the target."
    )
    return sentence if share >= ENOUGH else f"{sentence} {NO_EXPERIMENT}."


def model_card(result: Trained, settings: Training, seed: int, commit: str = "") -> str:
    """Return the adapter's README, with Hugging Face's header.

    Parameters
    ----------
    commit : of the base model's repository, as it was loaded; "" for a folder.
    """
    from codealign.provenance import versions

    base = source(result.model, result.variant)[0]
    chosen = "".join(f"- {k}: {v}\n" for k, v in settings.model_dump().items())
    libraries = "".join(f"- {name} {version}\n" for name, version in versions().items())
    gap = f" {told}" if (told := gap_told(result)) else ""
    return (
        f"---\nbase_model: {base}\nlibrary_name: peft\n"
        f"tags: [{result.stage}, lora, codealign]\n---\n\n"
        f"# {short_name(result.model)}, {result.variant}: {result.stage}\n\n"
        f"LoRA adapter trained on {result.examples} preference pairs ({result.truncated} cut), "
        f"{result.steps} steps, seed {seed}, last loss {result.loss:.4f}.{gap}\n\n"
        f"Base model: {base}{f', commit {commit}' * bool(commit)}.\n\n"
        f"## Settings\n\n{chosen}\n## Libraries\n\n{libraries}"
    )
