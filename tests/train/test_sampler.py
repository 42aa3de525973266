"""The order of examples: complete, grouped by length, set by seed and epoch alone."""

from __future__ import annotations

import random

from codealign.train.sampler import LengthGrouped

RNG = random.Random(0)
LENGTHS = [RNG.randrange(10, 500) for _ in range(203)]


def padding(order: list[int], batch: int) -> int:
    batches = [[LENGTHS[i] for i in order[s : s + batch]] for s in range(0, len(order), batch)]
    return sum(max(b) * len(b) - sum(b) for b in batches)


def test_every_example_comes_once() -> None:
    assert sorted(LengthGrouped(LENGTHS, 8, seed=0)) == list(range(203))


def test_grouping_saves_nine_tenths_of_the_padding() -> None:
    shuffled = random.Random(1).sample(range(203), 203)
    grouped = LengthGrouped(LENGTHS, 8, seed=0).order(0)
    assert padding(grouped, 8) < 0.1 * padding(shuffled, 8) + 8 * 500  # the last batch is left over


def test_the_same_seed_and_epoch_give_the_same_order() -> None:
    one, two = LengthGrouped(LENGTHS, 8, seed=3), LengthGrouped(LENGTHS, 8, seed=3)
    list(one)
    assert one.order(1) == two.order(1)


def test_set_epoch_chooses_the_order() -> None:
    sampler = LengthGrouped(LENGTHS, 8, seed=3)
    sampler.set_epoch(1)
    assert list(sampler) == sampler.order(1) != sampler.order(0)


def test_seeds_differ() -> None:
    assert list(LengthGrouped(LENGTHS, 8, seed=3)) != list(LengthGrouped(LENGTHS, 8, seed=4))


def test_batches_come_in_no_order_of_length() -> None:
    order = LengthGrouped(LENGTHS, 8, seed=0).order(0)
    firsts = [LENGTHS[i] for i in order[:200:8]]
    assert firsts not in (sorted(firsts), sorted(firsts, reverse=True))


def test_fewer_examples_than_a_batch_are_one_short_batch() -> None:
    assert sorted(LengthGrouped([5, 3], 8, seed=0)) == [0, 1]
