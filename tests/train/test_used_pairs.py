"""Which pairs are used: draws by id, nested, and a placebo that tosses a coin for each pair."""

from __future__ import annotations

import pytest

from codealign.errors import CodealignError
from codealign.params import Dpo, Sft
from codealign.records import Pair
from codealign.train.data import used_pairs


def test_the_default_is_all_pairs_in_their_order(pairs: list[Pair]) -> None:
    assert used_pairs(pairs, Dpo(), 0) == pairs


def test_a_smaller_draw_lies_within_a_larger_and_keeps_the_order(pairs: list[Pair]) -> None:
    few, more = (used_pairs(pairs, Sft(pairs=n), 0) for n in (5, 12))
    assert (len(few), len(more)) == (5, 12)
    assert {p.id for p in few} < {p.id for p in more}
    assert few == [p for p in pairs if p in few]


def test_another_seed_draws_others(pairs: list[Pair]) -> None:
    assert used_pairs(pairs, Sft(pairs=5), 0) != used_pairs(pairs, Sft(pairs=5), 1)


def test_more_pairs_than_there_are_is_an_error(pairs: list[Pair]) -> None:
    with pytest.raises(CodealignError, match="25 pairs wanted and 24 there"):
        used_pairs(pairs, Dpo(pairs=25), 0)


def test_the_placebo_exchanges_about_half_and_keeps_the_texts(pairs: list[Pair]) -> None:
    tossed = used_pairs(pairs, Dpo(placebo=True), 0)
    turned = [a.chosen == b.rejected for a, b in zip(pairs, tossed, strict=True)]
    # 24 fair tosses: fewer than 4 or more than 20 heads come up once in 3,600 times.
    assert 4 <= sum(turned) <= 20
    for before, after in zip(pairs, tossed, strict=True):
        assert {before.chosen, before.rejected} == {after.chosen, after.rejected}
        assert (before.prompt, before.id) == (after.prompt, after.id)
