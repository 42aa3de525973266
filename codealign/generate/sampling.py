"""Choosing the next token: greedy, or by the Gumbel-max trick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numpy.random import Generator
    from torch import Tensor

# Measured in float32, another batch and padding (benchmarks/generation_speed.py): logits differ by
# up to 3e-5 on nano, sums of probabilities by up to 5e-6.
LOGIT_SLACK = 1e-3
SLACK = 5e-5


def generators(seeds: Sequence[int]) -> list[Generator]:
    """Return a source of random numbers for each row, which depends on its seed alone."""
    import numpy as np

    return [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]


def gumbel(rows: Sequence[Generator], vocabulary: int) -> Tensor:
    """Draw standard Gumbel numbers, float64 [rows, vocabulary], the next ones of each row."""
    import numpy as np
    import torch

    exponential = np.empty((len(rows), vocabulary))
    for row, out in zip(rows, exponential, strict=True):
        row.standard_exponential(out=out)
    return torch.from_numpy(exponential).log_().neg_()


class Pick(NamedTuple):
    """Token ids [rows], and whether rounding could have given another one [rows]."""

    tokens: Tensor
    doubtful: Tensor


def pick(logits: Tensor, noise: Tensor | None, temperature: float, top_p: float) -> Pick:
    """Choose one token per row.

    Parameters
    ----------
    logits : [rows, vocabulary].
    noise : Gumbel numbers [rows, vocabulary]; None when greedy.
    temperature : unused when greedy, which takes the most likely token (the first of equals).
    top_p : below 1, only the nucleus is drawn from (Holtzman et al. 2020).

    Returns
    -------
    The token of the largest logit / temperature + noise, which is a draw from the softmax of
    logits / temperature (Maddison et al. 2014). Doubtful where logits that differ by the rounding
    of another batch (`LOGIT_SLACK`, and `SLACK` at the nucleus' border) might have given another.
    The inverse of the cumulative distribution would need one number per row instead of one per
    token, but the rounding of a sum of probabilities outweighs whole tokens of the tail: with a
    vocabulary of 49,152 nearly one draw in a hundred was doubtful (benchmarks/README.md).
    """
    import torch

    if noise is None:
        near = logits >= logits.max(-1, keepdim=True).values - LOGIT_SLACK
        return Pick(logits.argmax(-1), near.sum(-1) > 1)
    scores = logits.double() / temperature
    doubtful = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    if top_p < 1:
        kept, doubtful = nucleus(scores.softmax(-1), top_p)
        scores = scores.masked_fill(kept == 0, -torch.inf)
    values, tokens = (scores + noise.to(scores.device)).topk(2, dim=-1)
    return Pick(tokens[:, 0], doubtful | (values.diff(dim=-1)[:, 0] > -LOGIT_SLACK / temperature))


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
