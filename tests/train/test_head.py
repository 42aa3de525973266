"""The plain-torch head: log-probabilities by hand, and the same gradients as cross-entropy."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from codealign.train import head
from codealign.train.head import log_probs

# One position, hidden size 1, three tokens: logits (0, ln 2, ln 5), so probabilities 1/8, 2/8, 5/8.
HIDDEN = torch.ones(1, 1, dtype=torch.float64)
WEIGHT = torch.tensor([[0.0], [math.log(2)], [math.log(5)]], dtype=torch.float64)
LABEL = torch.tensor([1])


def test_log_probability_of_the_label() -> None:
    found, *extras = log_probs(HIDDEN, WEIGHT, None, LABEL)
    assert math.isclose(found.item(), math.log(2 / 8), rel_tol=1e-14)
    assert extras == [None] * 4


def test_extras_are_the_quantities_they_are_named_for() -> None:
    names = ("entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
    _, entropy, squares, mean, top = log_probs(HIDDEN, WEIGHT, None, LABEL, outputs=names)
    p = [1 / 8, 2 / 8, 5 / 8]
    assert math.isclose(entropy.item(), -sum(x * math.log(x) for x in p), rel_tol=1e-13)
    assert math.isclose(squares.item(), math.log(sum(x * x for x in p)), rel_tol=1e-13)
    assert math.isclose(mean.item(), math.log(10) / 3, rel_tol=1e-13)
    assert not top.item()


def test_bias_scale_cap_and_temperature_are_applied_in_order() -> None:
    bias = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    found, *_ = log_probs(HIDDEN, WEIGHT, bias, LABEL, 2.0, softcap=3.0, logit_scale=0.5)
    raw = [0.0, math.log(2) + 1, math.log(5)]
    logits = [3 * math.tanh(x * 0.5 / 3) / 2 for x in raw]
    expected = logits[1] - math.log(sum(map(math.exp, logits)))
    assert math.isclose(found.item(), expected, rel_tol=1e-13)


def test_gradients_are_those_of_cross_entropy() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 8, 3, 3, 1, 7])
    ours = torch.autograd.grad(-log_probs(hidden, weight, None, labels)[0].sum(), (hidden, weight))
    loss = cross_entropy(hidden @ weight.T, labels, reduction="sum")
    theirs = torch.autograd.grad(loss, (hidden, weight))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


SETTINGS = [{}, {"temperature": 2.0, "softcap": 3.0, "logit_scale": 0.5}, {"softcap": 1.5}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradients_in_chunks_are_the_derivatives(settings: dict, monkeypatch) -> None:
    """Each position weighs otherwise in the loss; two of seven positions at a time."""
    monkeypatch.setattr(head, "CHUNK", 2 * 9)
    torch.manual_seed(1)
    hidden, weight, bias = (
        torch.randn(*size, dtype=torch.float64, requires_grad=True)
        for size in [(7, 4), (9, 4), (9,)]
    )
    labels = torch.tensor([0, 8, 3, 3, 1, 7, 2])

    def values(hidden, weight, bias):
        return log_probs(hidden, weight, bias, labels, **settings)[0]

    assert torch.autograd.gradcheck(values, (hidden, weight, bias))


def test_the_logits_of_all_positions_never_exist_together(monkeypatch) -> None:
    monkeypatch.setattr(head, "CHUNK", 4 * 1000)
    sizes: list[int] = []
    plain = head._logits

    def watched(*args):
        found = plain(*args)
        sizes.append(found[0].numel())
        return found

    monkeypatch.setattr(head, "_logits", watched)
    hidden = torch.randn(10, 8, requires_grad=True)
    log_probs(hidden, torch.randn(1000, 8), None, torch.arange(10))[0].sum().backward()
    assert sizes == [4000, 4000, 2000]  # and none in backward


def test_a_reference_pass_computes_no_gradient(monkeypatch) -> None:
    monkeypatch.setattr(head, "_delta", None)
    with torch.no_grad():
        log_probs(HIDDEN.clone().requires_grad_(), WEIGHT, None, LABEL)


def test_a_batch_without_a_label_has_a_gradient_of_zero() -> None:
    hidden = torch.zeros(0, 4, requires_grad=True)
    found, entropy, *_ = log_probs(
        hidden, torch.randn(9, 4), None, torch.zeros(0, dtype=torch.long), outputs=("entropy",)
    )
    found.sum().backward()
    assert found.shape == entropy.shape == (0,)
    assert hidden.grad.shape == (0, 4)


def test_bfloat16_takes_its_probabilities_in_float32() -> None:
    torch.manual_seed(2)
    hidden, weight = torch.randn(5, 16), torch.randn(300, 16)
    labels = torch.arange(5)
    coarse = hidden.bfloat16().requires_grad_()
    found = log_probs(coarse, weight.bfloat16(), None, labels)[0]
    assert found.dtype == torch.float32
    wanted = (coarse.detach().float() @ weight.bfloat16().float().T).log_softmax(-1)
    torch.testing.assert_close(found, wanted[labels, labels], rtol=0.02, atol=0.05)
