"""Attention of grouped-query models on a CPU, without copies of their keys and values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

NAME = "codealign_grouped"


def grouped_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' own `sdpa` does, bit by bit.

    Where there is a mask, as in every padded batch, transformers copies each key and value for all
    the query heads that share it, at every step, because kernels of GPUs would want that. The CPU's
    takes groups as they are: a tenth of the time with three heads a group
    (findings/transformers_cpu_copies_grouped_keys.sh).

    Parameters
    ----------
    query : [batch, heads, queries, size]. key, value : [batch, groups, positions, size].
    attention_mask : [batch, 1, queries, positions], True or 0 where attended; None: causal.
    """
    if attention_mask is None or options.get("position_bias") is not None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
    attended = scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, scale=scaling, enable_gqa=True
    )
    return attended.transpose(1, 2).contiguous(), None


def use_grouped_attention(model: Any) -> None:
    """Have a model attend by `grouped_attention` if it is on a CPU and attends by `sdpa`."""
    can = getattr(model, "_can_set_attn_implementation", lambda: False)
    if model.device.type != "cpu" or model.config._attn_implementation != "sdpa" or not can():
        return
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, grouped_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
