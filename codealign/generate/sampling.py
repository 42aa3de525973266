"""Choosing the next token: greedy, or by inverse of the cumulative distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def uniforms(seeds: Sequence[int], steps: int) -> Tensor:
    """Return numbers in [0, 1), float64, shape [len(seeds), steps]; row i depends on seeds[i]."""
    import numpy as np
    import torch

    rows = [np.random.Generator(np.random.PCG64(seed)).random(steps) for seed in seeds]
    return torch.from_numpy(np.stack(rows))


def pick(logits: Tensor, uniform: Tensor, temperature: float, top_p: float) -> Tensor:
    """Return one token a row.

    Parameters
    ----------
    logits : [rows, vocabulary].
    uniform : [rows], float64 in [0, 1); unused when greedy.
    temperature : 0 takes the most likely token (the first of equals).
    top_p : below 1, only the nucleus is drawn from (Holtzman et al. 2020).

    Returns
    -------
    Token ids, [rows]: the first token whose cumulative probability exceeds `uniform`.
    """
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.double() / temperature).softmax(-1)
    if top_p < 1:
        probabilities = nucleus(probabilities, top_p)
    cumulative = probabilities.cumsum(-1)
    level = uniform[:, None] * cumulative[:, -1:]
    token = torch.searchsorted(cumulative, level, right=True).squeeze(1)
    return token.clamp(max=logits.shape[-1] - 1)


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Zero all but the fewest most likely tokens that hold `top_p` together (not renormalised)."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = ordered.masked_fill(before >= top_p, 0)
    return kept.new_zeros(kept.shape).scatter(-1, order, kept)
