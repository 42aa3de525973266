"""Muon (Jordan et al., 2024) in float32: torch's own computes in bfloat16, slow on many CPUs."""

from __future__ import annotations

from collections.abc import Iterable

import torch

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration in Jordan et al. (2024); singular values end near 1, not at it."""
ITERATIONS = 5
LIKE_ADAMW = 0.2
"""Times the square root of the longer side: the root mean square of an AdamW update (Liu et al.,
2025, "Muon is scalable for LLM training")."""


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return about U V^T of a matrix (m, n) with singular value decomposition U S V^T."""
    a, b, c = QUINTIC
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / wide.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if wide is not matrix else x


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal; for the matrices of a model."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float,
        weight_decay: float = 0.02,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: torch.Tensor, group: dict[str, float]) -> None:
        state = self.state[weight]
        average = state.setdefault("average", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - group["momentum"])
        ahead = weight.grad.lerp(average, group["momentum"])  # Nesterov's
        rate = group["lr"] * LIKE_ADAMW * max(weight.shape) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(orthogonal(ahead), alpha=-rate)
