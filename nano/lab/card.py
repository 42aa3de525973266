"""The model card: printed from the provenance and the measurements, never typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from codealign.generate import open_engine
from codealign.markdown import pipe_table
from codealign.params import Variant
from codealign.records import write_text
from nano.lab.measure import pass_shares, sampling_shares

VARIANTS: tuple[Variant, ...] = ("pretrained", "finetuned")
PHASES = ("phase", "seed", "tokens", "seconds on one CPU thread", "planted mistakes", "commit")
_TEXT = """\
# nano

Two Llama models of {parameters:.2f} million parameters that know one thing: small Python functions
composed of filters, maps, sorts, slices and reductions. `pretrained` completes text, `finetuned`
answers in chat. They make the study run on two CPU cores; nothing else about them is meant to
impress. This file is written by `python -m nano.lab build` (`make nano`).

{phases}

Last training loss: {pretrained[loss]:.3f} (pretrained, all tokens), {finetuned[loss]:.3f}
(finetuned, answers only). Width {recipe[width]}, {recipe[layers]} layers, {recipe[heads]} heads,
context {recipe[context]}. End tokens: `<|endoftext|>` (pretrained), `<|end|>` (finetuned).
Versions: {versions}. The rest is in each folder's `provenance.json`.

## Measured

Greedy pass@1 on compositions of operations that the corpus does not hold, and samples at
temperature 0.8 for instructions on compositions that it may hold, with self-written tests.

{measured}
"""
_LABELS = {
    "humaneval_plus_base": "HumanEval format, base tests",
    "humaneval_plus_plus": "HumanEval format, base and plus tests",
    "mbpp_plus_base": "MBPP format, base tests",
    "mbpp_plus_plus": "MBPP format, base and plus tests",
    "own": "samples that pass their own tests",
    "right": "samples that are right",
    "right_if_own": "right, of those that pass their own tests",
    "own_if_right": "pass their own tests, of those that are right",
    "mixed": "instructions with a passing and a failing sample of 8",
}


def measured(folder: Path, variant: Variant) -> dict[str, float]:
    """Return the card's measurements of the model in a folder; takes about a minute."""
    engine, chat = open_engine("transformers", str(folder), variant), variant == "finetuned"
    shares = {
        f"{benchmark}_plus_{suite}": share
        for benchmark in ("humaneval", "mbpp")
        for suite, share in pass_shares(engine, benchmark, chat).items()
    }
    return shares | sampling_shares(engine, chat)


def _provenance(folder: Path) -> dict[str, Any]:
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    last = (folder / "training_log.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    return {**provenance, "loss": json.loads(last)["loss"]}


def _phase_rows(provenance: dict[str, Any]) -> list[list[Any]]:
    """Return a table row for each phase that led to the fine-tuned model, first to last."""
    rows = []
    name, mistakes = "fine-tuning", "chat_mistakes"
    while provenance:
        recipe = provenance["recipe"]
        cells = [
            name,
            recipe["seed"],
            f"{provenance['tokens']:,}",
            f"{provenance['train_seconds']:.0f}",
        ]
        rows.append([*cells, f"{recipe[mistakes]:.0%}", provenance["commit"]])
        name, mistakes, provenance = "pretraining", "mistakes", provenance.get("started_from", {})
    return rows[::-1]


def parameters(folder: Path) -> float:
    """Return the number of parameters, in millions."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        counts = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    return sum(rows * (columns[0] if columns else 1) for rows, *columns in counts) / 1e6


def card_text(weights: Path, numbers: dict[str, dict[str, float]]) -> str:
    """Return the card from the provenance of both models and their measured `numbers`."""
    provenance = {variant: _provenance(weights / variant) for variant in VARIANTS}
    rows = [
        [label, *(f"{numbers[variant][key]:.3f}" for variant in VARIANTS)]
        for key, label in _LABELS.items()
    ]
    versions = provenance["pretrained"]["versions"]
    return _TEXT.format(
        **provenance,
        recipe=provenance["finetuned"]["recipe"],
        phases=pipe_table(PHASES, _phase_rows(provenance["finetuned"])),
        parameters=parameters(weights / "pretrained"),
        versions=", ".join(f"{k} {versions[k]}" for k in ("python", "torch", "transformers")),
        measured=pipe_table(["", *VARIANTS], rows),
    )


def write_card(weights: Path) -> dict[str, dict[str, float]]:
    """Measure both models, write `measured.json` and `README.md` beside them."""
    numbers = {variant: measured(weights / variant, variant) for variant in VARIANTS}
    write_text(weights / "measured.json", json.dumps(numbers, indent=1) + "\n")
    write_text(weights / "README.md", card_text(weights, numbers))
    return numbers
