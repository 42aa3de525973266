"""Large values are known by their hashes."""

from __future__ import annotations

import math

import pytest

from codealign.sandbox.inside.codec import dumps, loads
from codealign.sandbox.inside.digest import Hashed
from codealign.sandbox.inside.hashing import dumps_short


def short(value: object) -> object:
    return loads(dumps_short(value, 100))


@pytest.mark.parametrize("large", [150, 10**6])
@pytest.mark.parametrize(
    "value",
    [[1] * 200, (1, 2.5, True) * 70, "x" * 200, [[0.5]] * 200, [10**400] * 200],
    ids=range(5),
)
def test_a_large_value_is_known_by_its_hash(
    value: list | str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encoded in one piece, or in several where it is very large."""
    monkeypatch.setattr("codealign.sandbox.inside.digest.LARGE", large)
    monkeypatch.setattr("codealign.sandbox.inside.hashing.PIECE", 64)
    assert isinstance(short(value), Hashed)
    assert short(value) == short(type(value)(value))
    assert short(value) != short(value[1:])
    assert loads(dumps(short(value))) == short(value)


def test_a_hash_says_whether_all_are_floats() -> None:
    assert short([0.5] * 200).floats
    assert not short([0.5] * 200 + [1]).floats


def test_small_values_and_nans_are_not_hashed() -> None:
    assert short([1, 2]) == [1, 2]
    assert len(short([math.nan] * 200)) == 200


def test_the_hash_tells_types_apart() -> None:
    values = [[1] * 200, [1.0] * 200, [True] * 200, (1,) * 200]
    assert len({short(v).text for v in values}) == 4


def test_a_hash_equals_no_value() -> None:
    assert short([1] * 200) != [1] * 200
