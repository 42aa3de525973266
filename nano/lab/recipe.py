"""The one place that says how large, how long and from which seed nano is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How nano is trained; every value goes into the provenance.

    `mistakes` is the share of code documents with a planted mistake, `tokens` how many tokens the
    pretraining sees, each once, `batch_tokens` how many per step, padding included, `chats` how
    many chat pairs the fine-tuning sees (once), `chat_rate` scales the learning rates for it.
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
