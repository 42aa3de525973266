"""The one place that says how large, how long and from which seed nano is made.

Pretraining has two phases, each with its own documents and its own cosine schedule; the second has
fewer planted mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """How one phase of nano's training is made; every value goes into the provenance.

    `mistakes` is the share of code documents with a planted mistake, `tokens` how many tokens this
    phase of pretraining sees, `batch_tokens` how many a step, padding included, `chats` how many
    chat pairs the fine-tuning sees (once), `chat_rate` scales the learning rates for it.
    """

    seed: int = 20261123
    mistakes: float = 0.10
    chat_mistakes: float = 0.02
    tokens: int = 3_200_000
    chats: int = 7_000
    width: int = 192
    layers: int = 4
    heads: int = 3
    inner: int = 512
    context: int = 512
    batch_tokens: int = 4096
    warmup: int = 40
    muon_rate: float = 0.01
    adam_rate: float = 3e-3
    chat_tokens: int = 3072
    chat_rate: float = 0.4


FIRST = Recipe()
SECOND = Recipe(
    seed=FIRST.seed + 1, mistakes=0.05, tokens=1_800_000, muon_rate=0.007, adam_rate=2e-3
)


def phases(seed: int = FIRST.seed) -> list[Recipe]:
    """Return the phases of pretraining, from `seed` and the seeds after it."""
    return [replace(recipe, seed=seed + i) for i, recipe in enumerate((FIRST, SECOND))]
