"""Choosing the next token: greedy, or by inverse of the cumulative distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

# Measured on nano in float32, another batch and padding: logits differ by up to 3e-5, cumulative
# probabilities by up to 5e-6 (benchmarks/generation_speed.py).
LOGIT_SLACK = 1e-3
SLACK = 5e-5


def uniforms(seeds: Sequence[int], steps: int) -> Tensor:
    """Return numbers in [0, 1), float64, shape [len(seeds), steps]; row i depends on seeds[i]."""
    import numpy as np
    import torch

    rows = [np.random.Generator(np.random.PCG64(seed)).random(steps) for seed in seeds]
    return torch.from_numpy(np.stack(rows))


class Pick(NamedTuple):
    """Token ids [rows], and whether rounding could have given another one [rows]."""

    tokens: Tensor
    doubtful: Tensor


def pick(logits: Tensor, uniform: Tensor, temperature: float, top_p: float) -> Pick:
    """Choose one token a row.

    Parameters
    ----------
    logits : [rows, vocabulary].
    uniform : [rows], float64 in [0, 1); unused when greedy.
    temperature : 0 takes the most likely token (the first of equals).
    top_p : below 1, only the nucleus is drawn from (Holtzman et al. 2020).

    Returns
    -------
    The first token whose cumulative probability exceeds `uniform`; doubtful where logits that
    differ by the rounding of another batch (`LOGIT_SLACK`, `SLACK`) might have given another.
    """
    import torch

    if temperature == 0:
        near = logits >= logits.max(-1, keepdim=True).values - LOGIT_SLACK
        return Pick(logits.argmax(-1), near.sum(-1) > 1)
    probabilities = (logits.double() / temperature).softmax(-1)
    doubtful = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    if top_p < 1:
        probabilities, doubtful = nucleus(probabilities, top_p)
    cumulative = probabilities.cumsum(-1)
    shifts = torch.tensor([-SLACK, 0.0, SLACK], dtype=torch.float64, device=logits.device)
    levels = (uniform[:, None] + shifts).clamp(0, 1) * cumulative[:, -1:]
    found = torch.searchsorted(cumulative, levels, right=True)
    found = found.clamp(max=logits.shape[-1] - 1)
    return Pick(found[:, 1], doubtful | (found[:, 0] != found[:, 2]))


def nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Zero all but the fewest most likely tokens that hold `top_p` together (not renormalised).

    Also returns the rows in which rounding could change which tokens these are: [rows].
    """
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = ordered.masked_fill(before >= top_p, 0)
    doubtful = ((before - top_p).abs() < SLACK).logical_and(ordered > SLACK).any(-1)
    count = (kept > 0).sum(-1, keepdim=True).clamp(max=ordered.shape[-1] - 1)
    last, following = ordered.gather(-1, count - 1), ordered.gather(-1, count)
    tied = (last > SLACK) & (last - following < LOGIT_SLACK * last)
    return kept.new_zeros(kept.shape).scatter(-1, order, kept), doubtful | tied.squeeze(-1)
