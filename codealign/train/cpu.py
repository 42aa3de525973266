"""Training on a CPU: the same functions and gradients, with less arithmetic and less memory.

LoRA's linear layers, the norms before them (`LeanNorm`) and causal attention (`LeanAttention`)
compute here what PEFT and transformers compute, to rounding. What is saved: all work on padding,
the half of the attention matrix that the mask would blank, passes over a layer's whole output that
scale, add or change the type of what another pass has at hand, and the kernel's work of handing out
and clearing the same memory in each step.

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
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaDecoderLayer, LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention, Qwen2DecoderLayer, Qwen2RMSNorm

from codealign.errors import CodealignError

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
        # One row of tokens costs the linear layers and norms nothing at padding; attention keeps
        # the sequences in it apart by their lengths.
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


# Causal attention on a CPU, within sequences that follow one another in a row of tokens.

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
        sequence_lengths: Sequence[int],
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, None]:
        """Return what the layer it stands for returns, [1, n, size], and no weights.

        Parameters
        ----------
        hidden_states : [1, n, size].
        position_embeddings : cosines and sines of the positions' angles, [1, n, head_dim].
        sequence_lengths : of the sequences; they add up to n.

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
        out = attend(q, k, v, *position_embeddings, self.scaling, sequence_lengths)
        return self.o_proj(out.flatten(1)[None]), None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cos: Tensor,
    sin: Tensor,
    scaling: float,
    sequence_lengths: Sequence[int],
) -> Tensor:
    """Return causal attention with rotary positions within each sequence, [n, heads, size].

    Parameters
    ----------
    query, key, value : [n, heads, size]; the latter two may have fewer heads.
    cos, sin : of the angles by which a position turns queries and keys, [1, n, size] (Su et al.,
        2021, in transformers' order: a vector's first half turns with its second).
    scaling : factor of the scores.
    sequence_lengths : tokens of the sequences that follow one another; they add up to n.
    """
    heads = query.shape[1]
    if (groups := heads // key.shape[1]) > 1:
        key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    turn = _Turn(cos[0, :, None], sin[0, :, None])
    layout = _layout(tuple(sequence_lengths), heads)
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
    """Sequences of a row side by side, the shortest first, padded to the longest."""

    heads: int
    count: int
    longest: int
    places: Tensor
    """[n * heads], where a head's token of the row stands among count x heads x longest."""
    blocks: list[tuple[int, int, int]]
    """The first sequence that reaches into a block of queries, and where the block starts and ends.
    """

    def pad(self, row: Tensor) -> Tensor:
        """Return [n, heads, size] as [count * heads, longest, size], 0 at padding."""
        size = row.shape[-1]
        wide = row.new_zeros(self.count * self.heads * self.longest, size)
        wide.index_copy_(0, self.places, row.reshape(-1, size))
        return wide.view(-1, self.longest, size)

    def unpad(self, wide: Tensor) -> Tensor:
        """Return what `pad` was given; what stands at padding is not read."""
        size = wide.shape[-1]
        return wide.view(-1, size).index_select(0, self.places).view(-1, self.heads, size)


@functools.lru_cache(maxsize=2)
def _layout(lengths: tuple[int, ...], heads: int) -> _Layout:
    # The shortest sequence first: those that reach into a block of queries are then the last ones,
    # so that a slice leaves the others out and no product is computed for their padding.
    order, longest = sorted(range(len(lengths)), key=lengths.__getitem__), max(lengths)
    rank = {sequence: rank for rank, sequence in enumerate(order)}
    first = torch.cat([torch.arange(n) + rank[i] * heads * longest for i, n in enumerate(lengths)])
    places = first[:, None] + torch.arange(heads) * longest
    starts = range(0, longest, BLOCK)
    blocks = [(sum(n <= s for n in lengths), s, min(s + BLOCK, longest)) for s in starts]
    return _Layout(heads, len(lengths), longest, places.flatten(), blocks)


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
        grad = layout.pad(grad.to(q.dtype))
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
        of_q, of_k, of_v = (layout.unpad(t) for t in (of_q, of_k, of_v))
        gradients = ctx.turn.back(of_q, ctx.scaling), ctx.turn.back(of_k), of_v
        given = (t.to(dtype) for t, dtype in zip(gradients, ctx.dtypes, strict=True))
        return *given, None, None, None


# LoRA's linear layers and RMS norms on a CPU, each as one function with a gradient of its own.

LAYERS, NORMS = (LlamaDecoderLayer, Qwen2DecoderLayer), (LlamaRMSNorm, Qwen2RMSNorm)


def make_lean(model: torch.nn.Module) -> None:
    """Give a model the linear layers and the norms of this module where they fit.

    A decoder's last norm, outside its layers, stays: what follows it may compute in float32.
    """
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.__class__ = LeanLinear
    layers = (module for module in model.modules() if type(module) in LAYERS)
    for module in (inner for layer in layers for inner in layer.modules()):
        if type(module) in NORMS and not module.weight.requires_grad:
            module.__class__ = LeanNorm


def _is_plain(layer: Linear) -> bool:
    dropout = any(type(d) is not torch.nn.Identity for d in layer.lora_dropout.values())
    biased = any(b.bias is not None for b in layer.lora_B.values())
    linear = isinstance(layer.get_base_layer(), torch.nn.Linear)
    return linear and not (dropout or biased or layer.lora_variant)


def product_dtype(x: Tensor) -> torch.dtype:
    """Return what a product is computed in: autocast's type, else the input's own."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


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
        dtype = product_dtype(x)
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


class LeanNorm(torch.nn.Module):
    """Llama's RMS norm before linear layers, whose output has the type they compute in."""

    weight: Tensor
    variance_epsilon: float

    def forward(self, x: Tensor) -> Tensor:
        """Return w x / sqrt(mean(x^2) + epsilon), [..., size]."""
        return _Normed.apply(x, self.weight, self.variance_epsilon)


class _Normed(torch.autograd.Function):
    """An RMS norm with a frozen weight, computed in float32 at least."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        scale = mean.add_(epsilon).rsqrt_()
        ctx.save_for_backward(wide, weight, scale)
        ctx.dtype = x.dtype
        return (wide * scale).mul_(weight).to(product_dtype(x))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # With r = scale and g = grad * weight the gradient is r g - r^3 x mean(g x).
        wide, weight, scale = ctx.saved_tensors
        grad = grad * weight
        along = (grad * wide).mean(-1, keepdim=True).mul_(scale.pow(3))
        return grad.mul_(scale).addcmul_(wide, along, value=-1).to(ctx.dtype), None, None
