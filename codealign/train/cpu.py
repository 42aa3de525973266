"""Training on a CPU: the same functions and gradients, with less arithmetic and less memory.

LoRA's linear layers and the norms before them (`train.lean`) and causal attention (`LeanAttention`)
compute here what PEFT and transformers compute, to rounding. What is saved: all work on padding and
on what sequences of a batch begin with alike (the prompt of a pair, above all), the half of the
attention matrix that the mask would blank, passes over a layer's whole output that scale, add or
change the type of what another pass has at hand, and the kernel's work of handing out and clearing
the same memory in each step.

Like the trainers, to be imported after Unsloth if that is used.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import LlamaAttention
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention

from codealign.errors import CodealignError
from codealign.train.lean import has_dropout, make_lean, product_dtype

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
            # Another class, not another module: weights, adapters and names stay as they are.
            attention.__class__ = LeanAttention
        base.config._attn_implementation = ATTENTION
        # Where LoRA has dropout, equal beginnings are not computed alike: each has its own chance.
        apart = any(map(has_dropout, model.modules()))
        base.base_model.forward = _without_padding(base.base_model.forward, apart)


def _keep_memory() -> None:
    """Have freed memory kept for the next step, where the C library can be told so (glibc)."""
    if tell := getattr(ctypes.CDLL(None), "mallopt", None):
        tell(M_MMAP_THRESHOLD, 1 << 25)  # the most that glibc takes
        tell(M_TRIM_THRESHOLD, (1 << 31) - 1)


def _without_padding(forward: Callable[..., Any], apart: bool) -> Callable[..., Any]:
    """Return a decoder's forward pass that computes a batch's distinct tokens as one row.

    Its arguments and its output are those of the pass it wraps; at padding the output is 0.
    `apart` : take all tokens for distinct.
    """

    @functools.wraps(forward)
    def run(input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any) -> Any:
        lengths = row_lengths(input_ids, attention_mask)
        steps = torch.arange(input_ids.shape[1])
        there = steps < torch.tensor(lengths)[:, None]
        sequences = sequences_of(input_ids, there, apart)
        # One row of tokens costs the linear layers and norms nothing at padding and twins;
        # attention keeps the sequences in it apart.
        row, positions = (
            t[there][sequences.first] for t in (input_ids, steps.expand_as(input_ids))
        )
        kwargs["position_ids"] = positions[None]
        output = forward(input_ids=row[None], sequences=sequences, **kwargs)
        hidden = output.last_hidden_state[0].index_select(0, sequences.which)
        padded = hidden.new_zeros(*there.shape, hidden.shape[-1])
        output.last_hidden_state = padded.masked_scatter(there[..., None], hidden)
        return output

    return run


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences as one row of their distinct tokens.

    A token whose sequence begins, up to it, as an earlier sequence does is a *twin* of that one's:
    causal layers compute the same at both.

    Parameters
    ----------
    lengths : tokens of each sequence.
    which : [sum of lengths], where in the row each token stands, sequence by sequence.
    first : [n], for each place of the row the token that stands there: the first of twins.
    """

    lengths: tuple[int, ...]
    which: Tensor
    first: Tensor


def sequences_of(input_ids: Tensor, there: Tensor, apart: bool = False) -> Sequences:
    """Return the sequences of a batch; `there` [batch, n] is True at tokens, False at padding.

    `apart` : no token is another's twin.
    """
    lengths = there.sum(1).tolist()
    places: list[Tensor] = []
    new: list[Tensor] = []
    row = start = 0
    for i, length in enumerate(lengths):
        alike = (input_ids[:i] == input_ids[i]) & there[:i] & there[i]
        begins = alike.cumprod(1).sum(1)  # tokens that each earlier sequence begins with, too
        twins = int(begins.max()) if i and not apart else 0
        before = places[int(begins.argmax())][:twins] if i else torch.arange(0)
        places.append(torch.cat([before, torch.arange(row, row + length - twins)]))
        new.append(torch.arange(start + twins, start + length))
        row, start = row + length - twins, start + length
    return Sequences(tuple(lengths), torch.cat(places), torch.cat(new))


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


# Causal attention on a CPU, within the sequences of a row of tokens.

BLOCK = 64  # queries handled together
KINDS = (LlamaAttention, Qwen2Attention)


class LeanAttention(torch.nn.Module):
    """Llama's and Qwen2's attention over sequences in a row, positions and all as one function."""

    q_proj: torch.nn.Module
    k_proj: torch.nn.Module
    v_proj: torch.nn.Module
    o_proj: torch.nn.Module
    head_dim: int
    scaling: float

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        sequences: Sequences,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, None]:
        """Return what the layer it stands for returns, [1, n, size], and no weights.

        Parameters
        ----------
        hidden_states : [1, n, size].
        position_embeddings : cosines and sines of the positions' angles, [1, n, head_dim].
        sequences : whose distinct tokens the row holds.

        Raises
        ------
        CodealignError
            Keys of earlier calls: this is for training, not for generation.
        """
        if past_key_values is not None:
            raise CodealignError(
                "attention: a model in training was asked to generate; load it anew"
            )
        rows = (f(hidden_states)[0] for f in (self.q_proj, self.k_proj, self.v_proj))
        q, k, v = (row.view(len(row), -1, self.head_dim) for row in rows)
        out = attend(q, k, v, *position_embeddings, self.scaling, sequences)
        return self.o_proj(out.flatten(1)[None]), None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cos: Tensor,
    sin: Tensor,
    scaling: float,
    sequences: Sequences,
) -> Tensor:
    """Return causal attention with rotary positions within each sequence, [n, heads, size].

    Parameters
    ----------
    query, key, value : [n, heads, size]; the latter two may have fewer heads.
    cos, sin : of the angles by which a position turns queries and keys, [1, n, size] (Su et al.,
        2021, in transformers' order: a vector's first half turns with its second).
    scaling : factor of the scores.
    sequences : whose n distinct tokens the row holds.
    """
    heads = query.shape[1]
    if (groups := heads // key.shape[1]) > 1:
        key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    turn = _Turn(cos[0, :, None], sin[0, :, None])
    layout = _layout(sequences, heads)
    return _CausalBlocks.apply(query, key, value, turn, scaling, layout)


@dataclass(frozen=True)
class _Turn:
    """The rotation of a vector by its position's angles; `cos` and `sin` are [n, 1, size]."""

    cos: Tensor
    sin: Tensor

    def __call__(self, row: Tensor, scale: float = 1.0) -> Tensor:
        """Return [n, heads, size], turned and scaled."""
        half = row.shape[-1] // 2
        return self._of(row, -self.sin[..., :half], self.sin[..., half:], scale)

    def back(self, row: Tensor, scale: float = 1.0) -> Tensor:
        """Return the gradient with respect to what was turned from that of the result."""
        half = row.shape[-1] // 2
        return self._of(row, self.sin[..., half:], -self.sin[..., :half], scale)

    def _of(self, row: Tensor, first: Tensor, second: Tensor, scale: float) -> Tensor:
        # Forward: (left cos - right sin, right cos + left sin). The gradient is the transposed map:
        # the two sines change places and signs, so that one method serves both.
        row = row.to(self.cos.dtype)
        (left, right), out = row.chunk(2, -1), row * (scale * self.cos)
        out_left, out_right = out.chunk(2, -1)
        out_left.addcmul_(right, first, value=scale)
        out_right.addcmul_(left, second, value=scale)
        return out


@dataclass(frozen=True)
class _Layout:
    """Sequences of a row side by side, the shortest first, padded to the longest; twins apart."""

    heads: int
    count: int
    longest: int
    places: Tensor
    """[n * heads], where a head's token of the row stands among count x heads x longest."""
    twins: tuple[Tensor, Tensor]
    """[twins * heads] each: where a head's twin stands, and the one of the row that it is like."""
    blocks: list[tuple[int, int, int]]
    """The first sequence that reaches into a block of queries, and where the block starts and ends.
    """

    def pad(self, row: Tensor, twins: bool = True) -> Tensor:
        """Return [n, heads, size] as [count * heads, longest, size], 0 at padding.

        `twins` : have them as well, else 0 there.
        """
        flat = row.reshape(-1, row.shape[-1])
        wide = row.new_zeros(self.count * self.heads * self.longest, row.shape[-1])
        wide.index_copy_(0, self.places, flat)
        if twins and len(self.twins[0]):
            wide.index_copy_(0, self.twins[0], flat.index_select(0, self.twins[1]))
        return wide.view(-1, self.longest, row.shape[-1])

    def unpad(self, wide: Tensor, twins: bool = False) -> Tensor:
        """Return what `pad` was given; what stands at padding is not read.

        `twins` : add to each token what stands at its twins.
        """
        flat = wide.view(-1, wide.shape[-1])
        row = flat.index_select(0, self.places)
        if twins and len(self.twins[0]):
            row.index_add_(0, self.twins[1], flat.index_select(0, self.twins[0]))
        return row.view(-1, self.heads, wide.shape[-1])


@functools.lru_cache(maxsize=2)
def _layout(sequences: Sequences, heads: int) -> _Layout:
    # The shortest sequence first: those that reach into a block of queries are then the last ones,
    # so that a slice leaves the others out and no product is computed for their padding.
    lengths, each = sequences.lengths, torch.arange(heads)
    order, longest = sorted(range(len(lengths)), key=lengths.__getitem__), max(lengths)
    rank = {sequence: rank for rank, sequence in enumerate(order)}
    first = torch.cat([torch.arange(n) + rank[i] * heads * longest for i, n in enumerate(lengths)])
    places = first[:, None] + each * longest
    twin = torch.ones(len(places), dtype=torch.bool)
    twin[sequences.first] = False
    twins = places[twin].flatten(), (sequences.which[twin, None] * heads + each).flatten()
    starts = range(0, longest, BLOCK)
    blocks = [(sum(n <= s for n in lengths), s, min(s + BLOCK, longest)) for s in starts]
    own = places[sequences.first].flatten()
    return _Layout(heads, len(lengths), longest, own, twins, blocks)


class _CausalBlocks(torch.autograd.Function):
    """softmax(s q k' + mask) v of turned queries and keys, block of queries by block.

    Each block reads the keys up to its own end.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, turn: _Turn, s: float, layout: _Layout
    ) -> Tensor:
        dtype, heads = product_dtype(query), layout.heads
        # The scores' scale rides along with the rotation of the queries, at no cost.
        q, k, v = (layout.pad(t.to(dtype)) for t in (turn(query, s), turn(key), value))
        out, shares = torch.empty_like(q), []
        for ended, start, end in layout.blocks:
            rows = slice(ended * heads, None)
            scores = q[rows, start:end] @ k[rows, :end].mT
            # Only the square on the diagonal has keys of the future; those behind it are not read.
            future = torch.ones(end - start, end - start, dtype=torch.bool).triu_(1)
            scores[:, :, start:].masked_fill_(future, -torch.inf)
            # Kept for the way back: recomputing them would cost the scores' product once more.
            shares.append(scores.softmax(-1).to(dtype))
            out[rows, start:end] = shares[-1] @ v[rows, :end]
        ctx.save_for_backward(q, k, v, *shares)
        ctx.layout, ctx.turn, ctx.scaling = layout, turn, s
        ctx.dtypes = query.dtype, key.dtype, value.dtype
        return layout.unpad(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *shares = ctx.saved_tensors
        layout, heads = ctx.layout, ctx.layout.heads
        grad = layout.pad(grad.to(q.dtype), twins=False)  # what attention gave was not theirs
        of_q, of_k, of_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (ended, start, end), share in zip(layout.blocks, shares, strict=True):
            rows = slice(ended * heads, None)
            part = grad[rows, start:end]
            # Keys and values are read by every later block, so their gradients add up; a query
            # belongs to one block, so its gradient is written once.
            of_v[rows, :end].baddbmm_(share.mT, part)
            of_share = part @ v[rows, :end].mT
            of_score = torch._softmax_backward_data(of_share, share, -1, share.dtype)
            of_q[rows, start:end] = of_score @ k[rows, :end]
            of_k[rows, :end].baddbmm_(of_score.mT, q[rows, start:end])
        of_q, of_k, of_v = (layout.unpad(t, twins=True) for t in (of_q, of_k, of_v))
        gradients = ctx.turn.back(of_q, ctx.scaling), ctx.turn.back(of_k), of_v
        given = (t.to(dtype) for t, dtype in zip(gradients, ctx.dtypes, strict=True))
        return *given, None, None, None
