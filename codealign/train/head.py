"""Log-probabilities of labels from hidden states on a CPU, where TRL's kernel is Triton only.

TRL's trainers end in a function object, `trl.trainer.utils._ChunkedLogProbFunction`, that is None
without Triton and needs a GPU with it. `install` puts a dispatcher into that slot: tensors on a GPU
go to TRL's kernel as before, others to plain torch. The arithmetic is that of TRL's docstrings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

EXTRAS = ("entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
CHUNK = 2**23  # logits that exist at once: 32 MiB in float32


class Scaling(NamedTuple):
    """What turns products of hidden states and weights into logits, in this order."""

    scale: float
    softcap: float | None
    temperature: float


def log_probs(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    labels: Tensor,
    temperature: float = 1.0,
    chunk_size: int = 0,
    softcap: float | None = None,
    logit_scale: float = 1.0,
    outputs: tuple[str, ...] = (),
) -> tuple[Tensor | None, ...]:
    """Return log p(label) of each position, [positions], then TRL's extras (None if not asked for).

    The logits of all positions never exist together: at a real model's vocabulary they are most of
    the memory of training.

    Parameters
    ----------
    hidden : [positions, size]. weight : [vocabulary, size]. labels : [positions].
    temperature, softcap, logit_scale : as TRL applies them to the logits, in the order scale, cap,
        temperature.
    chunk_size : TRL's argument, positions at a time; unused, as `CHUNK` counts the vocabulary too.
    outputs : names out of `EXTRAS` to compute as well, without gradients.
    """
    scaling = Scaling(logit_scale, softcap, temperature)
    learns = torch.is_grad_enabled() and hidden.requires_grad
    values, *extras = _LabelLogProbs.apply(hidden, weight, bias, labels, scaling, outputs, learns)
    return values, *(extras[outputs.index(name)] if name in outputs else None for name in EXTRAS)


class _LabelLogProbs(torch.autograd.Function):
    """log softmax(logits) at the labels, a chunk of positions after another.

    The gradient of a position's value with respect to its logits is (label - probabilities) times
    one number, the gradient of what follows. So its product with the weights is taken at once,
    while the chunk's probabilities are there, and backward only multiplies it by that number. The
    weights' own gradient, which training an adapter has no use for, needs the logits once more.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        scaling: Scaling,
        outputs: tuple[str, ...],
        learns: bool,
    ) -> tuple[Tensor, ...]:
        ctx.dtype, weight = weight.dtype, weight.to(hidden.dtype)
        direction = torch.empty_like(hidden) if learns else None
        values: list[Tensor] = []
        extras: list[list[Tensor]] = [[] for _ in outputs]
        for rows in _chunks(hidden, weight):
            logits, slope = _logits(hidden[rows], weight, bias, scaling)
            total = logits.logsumexp(-1, keepdim=True)
            at = labels[rows, None]
            values.append((logits.gather(-1, at) - total).squeeze(-1))
            for name, parts in zip(outputs, extras, strict=True):
                parts.append(_extra(name, logits, total.squeeze(-1), at.squeeze(-1)))
            if direction is not None:
                delta = _delta(logits, total, at, slope)
                torch.mm(delta.to(hidden.dtype), weight, out=direction[rows])
        ctx.save_for_backward(hidden, weight, bias, labels, direction)
        ctx.scaling = scaling
        joined = tuple(torch.cat(parts) for parts in extras)
        ctx.mark_non_differentiable(*joined)
        return torch.cat(values), *joined

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels, direction = ctx.saved_tensors
        of_hidden = of_weight = of_bias = None
        if direction is not None:
            of_hidden = direction * grad[:, None].to(direction.dtype)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(len(weight))
            for rows in _chunks(hidden, weight):
                logits, slope = _logits(hidden[rows], weight, bias, ctx.scaling)
                total, at = logits.logsumexp(-1, keepdim=True), labels[rows, None]
                delta = _delta(logits, total, at, slope).mul_(grad[rows, None]).to(hidden.dtype)
                of_weight.addmm_(delta.T, hidden[rows])
                of_bias += delta.sum(0)
            of_weight = of_weight.to(ctx.dtype)
        return of_hidden, of_weight, None if bias is None else of_bias, *(None,) * 4


def _chunks(hidden: Tensor, weight: Tensor) -> list[slice]:
    size = max(1, CHUNK // len(weight))
    starts = range(0, max(1, len(hidden)), size)  # no position at all: one empty chunk
    return [slice(start, start + size) for start in starts]


def _logits(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, scaling: Scaling
) -> tuple[Tensor, Tensor | float]:
    """Return logits [positions, vocabulary] and their derivative by the products they come from."""
    logits = linear(hidden, weight, bias)
    # Half precision is too coarse for a sum over the vocabulary.
    logits = logits if logits.dtype == torch.float64 else logits.float()
    slope: Tensor | float = scaling.scale / scaling.temperature
    logits = logits * scaling.scale if scaling.scale != 1.0 else logits
    if scaling.softcap:
        bounded = torch.tanh(logits / scaling.softcap)  # c tanh(x / c) has slope 1 - tanh^2(x / c)
        logits, slope = scaling.softcap * bounded, slope * (1 - bounded * bounded)
    return logits / scaling.temperature if scaling.temperature != 1.0 else logits, slope


def _delta(logits: Tensor, total: Tensor, at: Tensor, slope: Tensor | float) -> Tensor:
    """Return the gradient of log p(label) by the products, in the place of the logits."""
    delta = logits.sub_(total).exp_().neg_()
    delta.scatter_add_(-1, at, torch.ones_like(at, dtype=delta.dtype))
    return delta.mul_(slope)


def _extra(name: str, logits: Tensor, total: Tensor, labels: Tensor) -> Tensor:
    if name == "entropy":
        return total - (logits.softmax(-1) * logits).sum(-1)
    if name == "log_sum_sq_probs":
        return (2 * logits).logsumexp(-1) - 2 * total
    if name == "mean_logits":
        return logits.mean(-1)
    return logits.argmax(-1) == labels


def install() -> None:
    """Make TRL's trainers work on a CPU; does nothing where it has been done (Unsloth does too)."""
    from trl.trainer import utils

    kernel = utils._ChunkedLogProbFunction
    if kernel is not None and not kernel.__module__.startswith("trl."):
        return

    class Dispatch:
        @staticmethod
        def apply(hidden: Tensor, *args: Any) -> tuple[Tensor | None, ...]:
            if kernel is not None and hidden.device.type != "cpu":
                return kernel.apply(hidden, *args)
            return log_probs(hidden, *args)

    utils._ChunkedLogProbFunction = Dispatch
