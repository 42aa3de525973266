"""Training on a CPU: the same functions and gradients, with less arithmetic and less memory.

LoRA's linear layers and causal attention compute here what PEFT and transformers compute, to
rounding. What is saved: all work on padding, the half of the attention matrix that the mask would
blank, the passes over a layer's whole output that scale LoRA's part and add it, and the kernel's
work of handing out and clearing the same memory in each step.

Like the trainers, to be imported after Unsloth if that is used.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

from codealign.errors import CodealignError

ATTENTION = "causal_blocks"
BLOCK = 64  # queries handled together: each block reads the keys up to its own end
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def quicken(model: Any) -> None:
    """Give a PEFT model on a CPU the layers of this module; leave one on another device alone.

    A LoRA layer with dropout, with a bias of its own or of a variant of LoRA stays as it is; so
    does attention other than `eager`, with dropout or with a sliding window.
    """
    if model.device.type != "cpu":
        return
    _keep_memory()
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.__class__ = LeanLinear
    base = model.get_base_model()
    special = (getattr(base.config, k, None) for k in ("sliding_window", "attention_dropout"))
    if base.config._attn_implementation == "eager" and not any(special):
        AttentionInterface.register(ATTENTION, attend)
        AttentionMaskInterface.register(ATTENTION, _no_mask)
        base.set_attn_implementation(ATTENTION)
        base.base_model.forward = _without_padding(base.base_model.forward)


def _keep_memory() -> None:
    """Have freed memory kept for the next step, where the C library can be told so (glibc)."""
    if tell := getattr(ctypes.CDLL(None), "mallopt", None):
        tell(M_MMAP_THRESHOLD, 1 << 25)  # the most that glibc takes
        tell(M_TRIM_THRESHOLD, (1 << 31) - 1)


def _is_plain(layer: Linear) -> bool:
    dropout = any(type(d) is not torch.nn.Identity for d in layer.lora_dropout.values())
    biased = any(b.bias is not None for b in layer.lora_B.values())
    linear = isinstance(layer.get_base_layer(), torch.nn.Linear)
    return linear and not (dropout or biased or layer.lora_variant)


class LeanLinear(Linear):
    """PEFT's LoRA layer, as one function where one adapter is at work and nothing is merged."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Return x W' + bias + s (x A') B', [..., out]."""
        if self.disable_adapters or self.merged or len(self.active_adapters) != 1 or args or kwargs:
            return super().forward(x, *args, **kwargs)
        base, (name,) = self.get_base_layer(), self.active_adapters
        a, b = self.lora_A[name].weight, self.lora_B[name].weight
        return _Adapted.apply(x, base.weight, base.bias, a, b, self.scaling[name])


class _Adapted(torch.autograd.Function):
    """A frozen linear layer with LoRA: both products are summed where the output lies."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, s: float
    ) -> Tensor:
        dtype = _dtype(x)
        rows, down, up = (t.to(dtype) for t in (x.reshape(-1, x.shape[-1]), a, b))
        inner = rows @ down.T
        out = rows @ weight.to(dtype).T
        if bias is not None:
            out += bias.to(dtype)
        out.addmm_(inner, up.T, alpha=s)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scaling, ctx.shape, ctx.dtypes = s, x.shape, (x.dtype, a.dtype, b.dtype)
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, down, up, inner = ctx.saved_tensors
        of_x, s = None, ctx.scaling
        grad = grad.reshape(len(rows), -1)
        back = grad @ up
        if ctx.needs_input_grad[0]:
            of_x = (grad @ weight.to(grad.dtype)).addmm_(back, down, alpha=s)
            of_x = of_x.view(ctx.shape).to(ctx.dtypes[0])
        of_a = (back.T @ rows).to(ctx.dtypes[1]) * s
        of_b = (grad.T @ inner).to(ctx.dtypes[2]) * s
        return of_x, None, None, of_a, of_b, None


def _dtype(x: Tensor) -> torch.dtype:
    """Return what a product is computed in: autocast's type, else the input's own."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


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
        found = forward(input_ids=input_ids[there][None], sequence_lengths=lengths, **kwargs)
        hidden = found.last_hidden_state[0]
        padded = hidden.new_zeros(*there.shape, hidden.shape[-1])
        found.last_hidden_state = padded.masked_scatter(there[..., None], hidden)
        return found

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


def _no_mask(*args: Any, **kwargs: Any) -> None:
    """Build no mask: transformers asks here for the one that `attend` needs."""


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    sequence_lengths: Sequence[int],
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Return causal attention within each of the sequences that follow one another in a row.

    Transformers' interface. `query`, `key` and `value` are [1, heads, n, size] (the latter two may
    have fewer heads), the output is [1, n, heads, size]; there is no mask. `sequence_lengths` add
    up to n.

    Raises
    ------
    CodealignError
        Keys of earlier calls: this is for training, not for generation.
    """
    if key.shape[2] != query.shape[2]:
        raise CodealignError("attention: a model in training was asked to generate; load it anew")
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    found = _CausalBlocks.apply(query, key, value, scaling, _layout(tuple(sequence_lengths)))
    return found.transpose(1, 2).contiguous(), None


@dataclass(frozen=True)
class _Layout:
    """Sequences of a row side by side, the shortest first, padded to the longest."""

    count: int
    longest: int
    places: Tensor
    """[n], where a token of the row stands among count x longest."""
    blocks: list[tuple[int, int, int]]
    """The first sequence that reaches into a block of queries, and where the block starts and ends.
    """

    def pad(self, row: Tensor) -> Tensor:
        """Return [heads, n, size] as [count * heads, longest, size], 0 at padding."""
        heads, _, size = row.shape
        wide = row.new_zeros(heads, self.count * self.longest, size)
        wide = wide.index_copy_(1, self.places, row).view(heads, self.count, -1, size)
        return wide.transpose(0, 1).reshape(-1, self.longest, size)

    def unpad(self, wide: Tensor) -> Tensor:
        """Return what `pad` was given; what stands at padding is not read."""
        wide = wide.view(self.count, -1, *wide.shape[1:]).transpose(0, 1)
        return wide.reshape(len(wide), -1, wide.shape[-1]).index_select(1, self.places)


@functools.lru_cache(maxsize=2)
def _layout(lengths: tuple[int, ...]) -> _Layout:
    order, longest = sorted(range(len(lengths)), key=lengths.__getitem__), max(lengths)
    rank = {sequence: rank for rank, sequence in enumerate(order)}
    places = [torch.arange(n) + rank[i] * longest for i, n in enumerate(lengths)]
    starts = range(0, longest, BLOCK)
    blocks = [(sum(n <= s for n in lengths), s, min(s + BLOCK, longest)) for s in starts]
    return _Layout(len(lengths), longest, torch.cat(places), blocks)


class _CausalBlocks(torch.autograd.Function):
    """softmax(s q k' + mask) v, block of queries by block, each with the keys up to its end."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, s: float, layout: _Layout
    ) -> Tensor:
        dtype, heads = _dtype(query), query.shape[1]
        q, k, v = (layout.pad(t[0].to(dtype)) for t in (query * s, key, value))
        out, shares = torch.empty_like(q), []
        for ended, start, end in layout.blocks:
            rows = slice(ended * heads, None)
            scores = q[rows, start:end] @ k[rows, :end].mT
            future = torch.ones(end - start, end - start, dtype=torch.bool).triu_(1)
            scores[:, :, start:].masked_fill_(future, -torch.inf)
            shares.append(scores.softmax(-1).to(dtype))
            out[rows, start:end] = shares[-1] @ v[rows, :end]
        ctx.save_for_backward(q, k, v, *shares)
        ctx.layout, ctx.scaling, ctx.heads = layout, s, heads
        ctx.dtypes = query.dtype, key.dtype, value.dtype
        return layout.unpad(out)[None]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *shares = ctx.saved_tensors
        grad = ctx.layout.pad(grad[0].to(q.dtype))
        of_q, of_k, of_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (ended, start, end), share in zip(ctx.layout.blocks, shares, strict=True):
            rows = slice(ended * ctx.heads, None)
            part = grad[rows, start:end]
            of_v[rows, :end].baddbmm_(share.mT, part)
            of_share = part @ v[rows, :end].mT
            of_score = torch._softmax_backward_data(of_share, share, -1, share.dtype)
            of_q[rows, start:end] = of_score @ k[rows, :end]
            of_k[rows, :end].baddbmm_(of_score.mT, q[rows, start:end])
        of_q *= ctx.scaling
        found = zip((of_q, of_k, of_v), ctx.dtypes, strict=True)
        return *(ctx.layout.unpad(t)[None].to(dtype) for t, dtype in found), None, None
