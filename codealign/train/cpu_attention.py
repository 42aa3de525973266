"""Causal attention on a CPU within sequences that follow one another in a row of tokens."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from codealign.errors import CodealignError
from codealign.train.cpu_layers import product_dtype

BLOCK = 64  # queries handled together: each block reads the keys up to its own end


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
    found = _CausalBlocks.apply(
        query, key, value, scaling, _layout(tuple(sequence_lengths), query.shape[1])
    )
    return found.transpose(1, 2).contiguous(), None


@dataclass(frozen=True)
class _Layout:
    """Sequences of a row side by side, the shortest first, padded to the longest."""

    heads: int
    count: int
    longest: int
    places: Tensor
    """[heads * n], where a head's token of the row stands among count x heads x longest."""
    blocks: list[tuple[int, int, int]]
    """The first sequence that reaches into a block of queries, and where the block starts and ends.
    """

    def pad(self, row: Tensor) -> Tensor:
        """Return [heads, n, size] as [count * heads, longest, size], 0 at padding."""
        size = row.shape[-1]
        wide = row.new_zeros(self.count * self.heads * self.longest, size)
        wide.index_copy_(0, self.places, row.reshape(-1, size))
        return wide.view(-1, self.longest, size)

    def unpad(self, wide: Tensor) -> Tensor:
        """Return what `pad` was given; what stands at padding is not read."""
        size = wide.shape[-1]
        return wide.view(-1, size).index_select(0, self.places).view(self.heads, -1, size)


@functools.lru_cache(maxsize=2)
def _layout(lengths: tuple[int, ...], heads: int) -> _Layout:
    order, longest = sorted(range(len(lengths)), key=lengths.__getitem__), max(lengths)
    rank = {sequence: rank for rank, sequence in enumerate(order)}
    first = torch.cat([torch.arange(n) + rank[i] * heads * longest for i, n in enumerate(lengths)])
    places = first + torch.arange(heads)[:, None] * longest
    starts = range(0, longest, BLOCK)
    blocks = [(sum(n <= s for n in lengths), s, min(s + BLOCK, longest)) for s in starts]
    return _Layout(heads, len(lengths), longest, places.flatten(), blocks)


class _CausalBlocks(torch.autograd.Function):
    """softmax(s q k' + mask) v, block of queries by block, each with the keys up to its end."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, s: float, layout: _Layout
    ) -> Tensor:
        dtype, heads = product_dtype(query), query.shape[1]
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
