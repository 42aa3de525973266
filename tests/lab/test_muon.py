"""Muon: orthogonal updates, and the same steps as torch's own in its lower precision."""

from __future__ import annotations

import pytest
import torch

from nano.lab.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(12, 12), (12, 30), (30, 12)])
def test_singular_values_end_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    # the iteration's fixed band, from its coefficients: about 0.7 to 1.2
    assert values.min() > 0.6 and values.max() < 1.3


def test_directions_are_kept() -> None:
    torch.manual_seed(1)
    u, s, vh = torch.linalg.svd(torch.randn(8, 8))
    found = u.T @ orthogonal(u @ torch.diag(s) @ vh) @ vh.T
    assert torch.allclose(found, torch.diag(found.diag()), atol=1e-4)


def test_steps_are_those_of_torch() -> None:
    torch.manual_seed(2)
    start, gradients = torch.randn(16, 24), torch.randn(4, 16, 24)

    def trained(make) -> torch.Tensor:
        weight = torch.nn.Parameter(start.clone())
        optimizer = make([weight])
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
        return weight.detach()

    ours = trained(lambda p: Muon(p, lr=0.02))
    theirs = trained(
        lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
    )
    # torch iterates in bfloat16, with three digits
    assert torch.allclose(ours, theirs, atol=1e-3) and not torch.allclose(ours, start, atol=0.02)
