"""The order of examples: complete, random batches, set by seed and epoch alone."""

from __future__ import annotations

import random

import pytest

from codealign.train.trainers import RandomBatches

RNG = random.Random(0)
LENGTHS = [RNG.randrange(10, 500) for _ in range(203)]


def split(order: list[int], size: int) -> list[list[int]]:
    return [[LENGTHS[i] for i in order[s : s + size]] for s in range(0, len(order), size)]


def padding(order: list[int], size: int) -> int:
    return sum(max(part) * len(part) - sum(part) for part in split(order, size))


def test_every_example_comes_once() -> None:
    assert sorted(RandomBatches(LENGTHS, 8, seed=0)) == list(range(203))


def test_a_batch_is_in_the_order_of_length() -> None:
    assert all(
        part == sorted(part) for part in split(RandomBatches(LENGTHS, 8, seed=0).order(0), 8)
    )


def test_what_a_batch_holds_knows_nothing_of_length() -> None:
    sampler = RandomBatches(LENGTHS, 8, seed=0)
    whole = [part for epoch in range(40) for part in split(sampler.order(epoch), 8)[:25]]
    means = [sum(part) / 8 for part in whole]
    mean = sum(LENGTHS) / len(LENGTHS)
    variance = sum((n - mean) ** 2 for n in LENGTHS) / len(LENGTHS)
    # Of random batches of 8 out of 203, drawn without putting back.
    expected = variance / 8 * (203 - 8) / (203 - 1)
    found = sum((m - mean) ** 2 for m in means) / len(means)
    assert found == pytest.approx(expected, rel=0.2)  # 4 standard errors of 1,000 batches


def test_the_parts_of_a_batch_have_less_padding_than_random_ones() -> None:
    shuffled = random.Random(1).sample(range(203), 203)
    assert padding(RandomBatches(LENGTHS, 16, seed=0).order(0), 4) < 0.5 * padding(shuffled, 4)


def test_the_same_seed_and_epoch_give_the_same_order() -> None:
    one, two = RandomBatches(LENGTHS, 8, seed=3), RandomBatches(LENGTHS, 8, seed=3)
    list(one)
    assert one.order(1) == two.order(1)


def test_set_epoch_chooses_the_order() -> None:
    sampler = RandomBatches(LENGTHS, 8, seed=3)
    sampler.set_epoch(1)
    assert list(sampler) == sampler.order(1) != sampler.order(0)


def test_seeds_differ() -> None:
    assert list(RandomBatches(LENGTHS, 8, seed=3)) != list(RandomBatches(LENGTHS, 8, seed=4))


def test_fewer_examples_than_a_batch_are_one_short_batch() -> None:
    assert list(RandomBatches([5, 3], 8, seed=0)) == [1, 0]
