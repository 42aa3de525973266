"""Training on a CPU: the same functions and gradients, with less arithmetic and less memory.

LoRA's linear layers, the norms before them (`cpu_layers`) and causal attention (`cpu_attention`)
compute here what PEFT and transformers compute, to rounding. What is saved: all work on padding,
the half of the attention matrix that the mask would blank, passes over a layer's whole output that
scale, add or change the type of what another pass has at hand, and the kernel's work of handing out
and clearing the same memory in each step.

Like the trainers, to be imported after Unsloth if that is used.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from codealign.errors import CodealignError
from codealign.train.cpu_attention import KINDS, LeanAttention
from codealign.train.cpu_layers import make_lean

ATTENTION = "causal_blocks"  # transformers builds no mask for a name that it does not know
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def quicken(model: Any) -> None:
    """Give a PEFT model on a CPU the layers of this module; leave one on another device alone.

    A LoRA layer with dropout, with a bias of its own or of a variant of LoRA stays as it is; so
    does a norm that is trained, and attention other than `eager`, with dropout, with a sliding
    window or of another architecture than Llama's and Qwen2's.
    """
    if model.device.type != "cpu":
        return
    _keep_memory()
    make_lean(model)
    base = model.get_base_model()
    attentions = [module for module in base.modules() if type(module) in KINDS]
    special = (getattr(base.config, k, None) for k in ("sliding_window", "attention_dropout"))
    if attentions and base.config._attn_implementation == "eager" and not any(special):
        for attention in attentions:
            attention.__class__ = LeanAttention
        base.config._attn_implementation = ATTENTION
        base.base_model.forward = _without_padding(base.base_model.forward)


def _keep_memory() -> None:
    """Have freed memory kept for the next step, where the C library can be told so (glibc)."""
    if tell := getattr(ctypes.CDLL(None), "mallopt", None):
        tell(M_MMAP_THRESHOLD, 1 << 25)  # the most that glibc takes
        tell(M_TRIM_THRESHOLD, (1 << 31) - 1)


def _without_padding(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decoder's forward pass that computes a batch's tokens as one row, without padding.

    Its arguments and its output are those of the pass it wraps; at padding the output is 0.
    """

    @functools.wraps(forward)
    def run(input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any) -> Any:
        lengths = row_lengths(input_ids, attention_mask)
        steps = torch.arange(input_ids.shape[1])
        there = steps < torch.tensor(lengths)[:, None]
        kwargs["position_ids"] = steps.expand_as(input_ids)[there][None]
        output = forward(input_ids=input_ids[there][None], sequence_lengths=lengths, **kwargs)
        hidden = output.last_hidden_state[0]
        padded = hidden.new_zeros(*there.shape, hidden.shape[-1])
        output.last_hidden_state = padded.masked_scatter(there[..., None], hidden)
        return output

    return run


def row_lengths(input_ids: Tensor, attention_mask: Tensor | None) -> list[int]:
    """Return the tokens of each sequence of a batch padded on the right.

    Parameters
    ----------
    input_ids : [batch, n].
    attention_mask : [batch, n], 1 at tokens, 0 at padding; None without padding.

    Raises
    ------
    CodealignError
        Something stands after padding.
    """
    if attention_mask is None:
        return [input_ids.shape[1]] * len(input_ids)
    if (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
        raise CodealignError("attention: sequences must be padded on the right")
    return attention_mask.sum(1).tolist()
