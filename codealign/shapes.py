"""A model's dimensions, and what follows from them: parameters of its parts and of an adapter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from codealign.params import Section

LLAMA_LIKE = ("llama", "mistral", "qwen2")
"""Architectures (`model_type`) that a `Shape` describes to the last parameter."""


class Shape(Section):
    """Dimensions of a decoder of Llama's kind (Llama, Qwen2, deepseek-coder)."""

    hidden: int = Field(ge=1, description="width of the residual stream")
    inner: int = Field(ge=1, description="width of the gated feed-forward layer")
    layers: int = Field(ge=1)
    heads: int = Field(ge=1, description="query heads")
    kv_heads: int = Field(ge=1, description="key and value heads")
    vocabulary: int = Field(ge=1)
    head_size: int = Field(0, ge=0, description="width of a head; 0: hidden / heads")
    tied: bool = Field(False, description="the head's weights are the embedding's")
    bias: bool = Field(False, description="q, k and v have a bias")

    @property
    def query(self) -> int:
        """Width of all query heads together."""
        return self.heads * (self.head_size or self.hidden // self.heads)

    @property
    def key(self) -> int:
        """Width of all key heads together; the value heads have the same."""
        return self.query // self.heads * self.kv_heads

    @property
    def linear(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear layer of a block."""
        return {
            "q_proj": (self.hidden, self.query),
            "k_proj": (self.hidden, self.key),
            "v_proj": (self.hidden, self.key),
            "o_proj": (self.query, self.hidden),
            "gate_proj": (self.hidden, self.inner),
            "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }

    @property
    def matrices(self) -> int:
        """Parameters of all blocks' linear layers: what is quantised."""
        return self.layers * sum(a * b for a, b in self.linear.values())

    @property
    def rest(self) -> int:
        """Parameters of embedding, head, norms and biases: what keeps its precision."""
        embedding = self.vocabulary * self.hidden * (1 if self.tied else 2)
        biases = self.query + 2 * self.key if self.bias else 0
        return embedding + self.layers * (2 * self.hidden + biases) + self.hidden

    @property
    def parameters(self) -> int:
        """All parameters, shared ones counted once."""
        return self.matrices + self.rest

    def saved(self, rank: int = 0) -> int:
        """Return the numbers that a block saves per token for its backward pass.

        Four vectors of the inner width (gate, up, activation, product), eight of the hidden (input
        and output of the norms, of attention and of the residual; queries before and after
        rotation), keys and values, and the vectors of `rank` within the adapters.
        """
        return 4 * self.inner + 8 * self.hidden + 2 * self.key + len(self.linear) * rank

    def adapter(self, rank: int, modules: Iterable[str]) -> int:
        """Return the parameters of a LoRA adapter: r (inputs + outputs) for each adapted layer."""
        return self.layers * rank * sum(sum(self.linear[name]) for name in modules)


def shape_in(config: dict[str, Any]) -> Shape | None:
    """Return the shape that a `config.json` tells, None of an architecture of another kind."""
    kind = config.get("model_type")
    if kind not in LLAMA_LIKE:
        return None
    try:
        heads = config["num_attention_heads"]
        return Shape(
            hidden=config["hidden_size"],
            inner=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            vocabulary=config["vocab_size"],
            head_size=config.get("head_dim") or 0,
            tied=config.get("tie_word_embeddings", False),
            bias=config.get("attention_bias", False) or kind == "qwen2",
        )
    except (KeyError, ValueError, TypeError):
        return None
