"""Log-probabilities of labels from hidden states on a CPU, where TRL's kernel is Triton only.

TRL's trainers end in a function object, `trl.trainer.utils._ChunkedLogProbFunction`, that is None
without Triton and needs a GPU with it. `install` puts a dispatcher into that slot: tensors on a GPU
go to TRL's kernel as before, others to plain torch. The arithmetic is that of TRL's docstrings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

EXTRAS = ("entropy", "log_sum_sq_probs", "mean_logits", "is_top1")


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

    Parameters
    ----------
    hidden : [positions, size]. weight : [vocabulary, size]. labels : [positions].
    temperature, softcap, logit_scale : as TRL applies them to the logits, in the order scale, cap,
        temperature.
    chunk_size : TRL's argument; unused, the whole is computed at once.
    outputs : names out of `EXTRAS` to compute as well, without gradients.
    """
    logits = linear(hidden, weight.to(hidden.dtype), bias)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    logits = logits * logit_scale if logit_scale != 1.0 else logits
    logits = softcap * torch.tanh(logits / softcap) if softcap else logits
    logits = logits / temperature if temperature != 1.0 else logits
    of_labels = _LabelLogProbs.apply(logits, labels)
    with torch.no_grad():
        total = logits.gather(-1, labels[:, None]).squeeze(-1) - of_labels
        extras = tuple(_extra(e, logits, total, labels) if e in outputs else None for e in EXTRAS)
    return of_labels, *extras


class _LabelLogProbs(torch.autograd.Function):
    """log softmax(logits) at the labels: its gradient is made where the probabilities lie."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        every, at = logits.log_softmax(-1), labels[:, None]
        ctx.save_for_backward(every, at)
        return every.gather(-1, at).squeeze(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        every, at = ctx.saved_tensors
        grad = grad[:, None]
        return every.exp().mul_(-grad).scatter_add_(-1, at, grad), None


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
