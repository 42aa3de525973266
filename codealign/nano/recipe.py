"""The one place that says how large, how long and from which seed nano is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How nano is made; every value goes into the provenance.

    `mistakes` is the share of code documents with a planted mistake, `tokens` how many tokens the
    pretraining sees, `chats` how many chat pairs the fine-tuning sees (once), `chat_rate` scales
    the pretraining's learning rates for it.
    """

    seed: int = 20261123
    mistakes: float = 0.08
    chat_mistakes: float = 0.05
    tokens: int = 5_500_000
    chats: int = 4000
    width: int = 192
    layers: int = 4
    heads: int = 3
    inner: int = 512
    context: int = 512
    batch: int = 4
    warmup: int = 60
    muon_rate: float = 0.01
    adam_rate: float = 3e-3
    chat_batch: int = 16
    chat_rate: float = 0.3
