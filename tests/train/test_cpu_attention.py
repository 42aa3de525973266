"""Attention for a CPU against the textbook, query by query, and transformers' own rotation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from codealign.train.cpu import BLOCK, Sequences, attend, sequences_of


def apart(lengths: Sequence[int]) -> Sequences:
    """Return sequences of these lengths that have nothing in common."""
    each = torch.arange(sum(lengths))
    return Sequences(tuple(lengths), each, each)


def tensors(*shape: int, count: int = 3) -> list[Tensor]:
    torch.manual_seed(0)
    made = [torch.randn(*shape, dtype=torch.float64) for _ in range(count)]
    return [t.requires_grad_() for t in made]


def angles(lengths: Sequence[int], size: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, [1, n, size], of angles that differ between all coordinates."""
    angle = torch.cat([torch.arange(n) for n in lengths])[:, None] * torch.rand(size).double()
    return angle.cos()[None], angle.sin()[None]


def textbook(
    query: Tensor, key: Tensor, value: Tensor, scaling: float, lengths: Sequence[int]
) -> Tensor:
    """Return causal attention within sequences, query by query, [n, heads, size]."""
    out, first = torch.zeros_like(query), 0
    for length in lengths:
        for i in range(first, first + length):
            seen = slice(first, i + 1)
            scores = scaling * (query[i] * key[seen]).sum(-1)
            out[i] = (scores.softmax(0)[..., None] * value[seen]).sum(0)
        first += length
    return out


def turned(row: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return [n, heads, size] as transformers turns it by its positions."""
    return apply_rotary_pos_emb(row[None], row[None], cos, sin, unsqueeze_dim=2)[0][0]


@pytest.mark.parametrize("lengths", [[1], [BLOCK], [2 * BLOCK + 7, 1, BLOCK + 1, 30]])
def test_attention_and_its_gradients_are_the_textbooks(lengths: list[int]) -> None:
    given, weight = tensors(sum(lengths), 3, 4), tensors(sum(lengths), 3, 4, count=1)[0]
    query, key, value = given
    cos, sin = angles(lengths, 4)
    ours = attend(query, key, value, cos, sin, 0.3, apart(lengths))
    theirs = textbook(turned(query, cos, sin), turned(key, cos, sin), value, 0.3, lengths)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    found = torch.autograd.grad((ours * weight).sum(), given)
    expected = torch.autograd.grad((theirs * weight).sum(), given)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


def test_heads_of_queries_share_heads_of_keys_in_order() -> None:
    query, (key, value) = tensors(9, 4, 2, count=1)[0], tensors(9, 2, 2, count=2)
    cos, sin = torch.ones(1, 9, 2).double(), torch.zeros(1, 9, 2).double()
    ours = attend(query, key, value, cos, sin, 0.3, apart([5, 4]))
    # heads 0 and 1 read the first keys, 2 and 3 the second
    wide = [torch.stack([t[:, 0], t[:, 0], t[:, 1], t[:, 1]], 1) for t in (key, value)]
    torch.testing.assert_close(ours, textbook(query, *wide, 0.3, [5, 4]))


def test_neither_what_follows_a_token_nor_another_sequence_reaches_it() -> None:
    lengths = [40, 60, 50]
    given, (cos, sin) = tensors(150, 1, 4), angles(lengths, 4)
    one = attend(*given, cos, sin, 1.0, apart(lengths))
    with torch.no_grad():
        for t in given:
            t[:40] = t[70:] = 1e6
    two = attend(*given, cos, sin, 1.0, apart(lengths))
    assert torch.equal(one[40:70], two[40:70])


def test_tokens_of_equal_beginnings_are_one() -> None:
    ids = torch.tensor([[7, 8, 9, 0, 0], [7, 8, 5, 6, 0], [7, 8, 5, 9, 9], [8, 8, 5, 9, 9]])
    there = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1] * 5, [1] * 5]).bool()
    made = sequences_of(ids, there)
    assert made.lengths == (3, 4, 5, 5)
    # the second begins with two tokens of the first, the third with three of the second
    row = [0, 1, 2, 0, 1, 3, 4, 0, 1, 3, 5, 6, 7, 8, 9, 10, 11]
    assert made.which.tolist() == row
    assert made.first.tolist() == [row.index(place) for place in range(12)]


def test_padding_is_nobodys_beginning() -> None:
    ids = torch.tensor([[7, 0, 0], [7, 0, 5]])  # 0 is padding in the first, a token in the second
    made = sequences_of(ids, torch.tensor([[1, 0, 0], [1, 1, 1]]).bool())
    assert made.which.tolist() == [0, 0, 1, 2]


def test_attention_and_gradients_with_equal_beginnings_are_those_of_each_sequence() -> None:
    ids = torch.randint(3, 50, (4, BLOCK + 40), generator=torch.Generator().manual_seed(0))
    ids[1, : BLOCK + 9] = ids[0, : BLOCK + 9]
    ids[2, :20], ids[3] = ids[0, :20], ids[1]
    there = (
        torch.arange(BLOCK + 40) < torch.tensor([BLOCK + 40, BLOCK + 30, 50, BLOCK + 30])[:, None]
    )
    made = sequences_of(ids, there)
    distinct = len(made.first)
    assert distinct == BLOCK + 40 + 21 + 30  # the fourth is the second
    given, weight = tensors(distinct, 3, 4), tensors(distinct, 3, 4, count=1)[0]
    cos, sin = (t[:, made.first] for t in angles(made.lengths, 4))
    ours = attend(*given, cos, sin, 0.3, made)
    query, key, value = (t[made.which] for t in given)
    turns = cos[:, made.which], sin[:, made.which]
    theirs = textbook(turned(query, *turns), turned(key, *turns), value, 0.3, made.lengths)
    theirs = theirs[made.first]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    found = torch.autograd.grad((ours * weight).sum(), given)
    expected = torch.autograd.grad((theirs * weight).sum(), given)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)
