"""Pretraining: a Llama model of two million parameters, one pass over the corpus, one thread."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from codealign.weights import bf16_is_fast
from nano.lab.muon import Muon
from nano.lab.recipe import Recipe

LAST_RATE = 0.03
LOG_EVERY = 50


def new_model(recipe: Recipe, vocabulary: int) -> LlamaForCausalLM:
    """Return a freshly initialised model; the caller seeds torch."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.width,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def optimizers(
    model: LlamaForCausalLM, recipe: Recipe, factor: float = 1.0
) -> list[torch.optim.Optimizer]:
    """Return Muon for the blocks' matrices and AdamW for the rest; `factor` scales their rates."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    muon = Muon(matrices, lr=factor * recipe.muon_rate)
    rate = factor * recipe.adam_rate
    adam = torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0)
    return [muon, adam]


def rate_at(step: int, steps: int, warmup: int) -> float:
    """Return the learning rate's factor: a linear warm-up, then a cosine down to LAST_RATE."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1.0, (step + 1) / warmup) * max(LAST_RATE, cosine)


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean next-token loss over the tokens whose weight is 1.

    Parameters
    ----------
    ids : (batch, length) token ids.
    weights : (batch, length) 1 where a token is to be predicted, 0 elsewhere; column 0 is unused.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16_is_fast()):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
    )
    wanted = weights[:, 1:].flatten()
    return (losses * wanted).sum() / wanted.sum()


def train(
    model: LlamaForCausalLM,
    batches: list[tuple[torch.Tensor, torch.Tensor]],
    optimisers: list[torch.optim.Optimizer],
    warmup: int,
) -> Iterator[dict[str, Any]]:
    """Train on `batches` of (ids, weights) in order; yield a log record every LOG_EVERY steps."""
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimisers]
    started, seen, average = time.perf_counter(), 0, None
    for step, (ids, weights) in enumerate(batches):
        loss = loss_of(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, base in zip(optimisers, rates, strict=True):
            for group, rate in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = rate * rate_at(step, len(batches), warmup)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        seen += int(weights[:, 1:].sum())
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if (step + 1) % LOG_EVERY == 0 or step + 1 == len(batches):
            seconds = time.perf_counter() - started
            yield {"step": step + 1, "tokens": seen, "loss": average, "seconds": seconds}
