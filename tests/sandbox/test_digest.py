"""Digests stand for very large values, and agree exactly where `==` does."""

from __future__ import annotations

import pytest

from codealign.sandbox.inside.codec import dumps, loads
from codealign.sandbox.inside.digest import LARGE, Digest, digest, is_large

EQUAL = [
    (1, 1.0), (True, 1), ([1, 2.0], [1.0, 2]), ({1, 2}, {2, 1}), ({1: 1, 2: 2}, {2: 2, 1: 1}),
    (2 + 0j, 2), (["a", "b"], ["a", "b"]), ([1, 2], [True, 2]), ({1}, frozenset({1})),
]  # fmt: skip
DIFFERENT = [
    ([1], (1,)), ([1, 2], [2, 1]), ("1", 1), ([[1], 2], [[1, 2]]), (["ab"], ["a", "b"]), (None, 0),
    ({1: 2}, {2: 1}), ([], ()), (b"a", "a"), (1.5, 1), ([1, [2]], [[1], 2]),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_values_have_one_digest(a: object, b: object) -> None:
    assert a == b
    assert digest(a) == digest(b)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_values_have_different_digests(a: object, b: object) -> None:
    assert digest(a) != digest(b)


@pytest.mark.parametrize(
    ("value", "large"),
    [
        ("x" * LARGE, False), ("x" * (LARGE + 1), True), ([0] * LARGE, False),
        ([0] * (LARGE + 1), True), ([["xx"] * 10] * (LARGE // 20), True), ({0: "x" * LARGE}, True),
        (5, False), ([[], {}, None], False),
    ],
    ids=range(8),
)  # fmt: skip
def test_weight_counts_characters_and_items(value: object, large: bool) -> None:
    assert is_large(value) is large


def test_a_large_value_travels_as_a_digest_equal_to_it() -> None:
    value = ["x" * 1000] * 5000  # five million characters
    decoded = loads(dumps(value))
    assert isinstance(decoded, Digest)
    assert decoded == value
    assert value == decoded
    assert decoded != value[:-1]


def test_a_digest_can_be_written_and_read_again() -> None:
    decoded = loads(dumps(loads(dumps("x" * (LARGE + 1)))))
    assert decoded == "x" * (LARGE + 1)
