"""Large values are known by their hashes."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from codealign.sandbox.inside.codec import dumps, loads
from codealign.sandbox.inside.digest import Hashed
from codealign.sandbox.inside.hashing import dumps_short


def short(value: object) -> object:
    return loads(dumps_short(value, 100))


VALUES = [[1] * 200, (1, 2.5, True) * 70, "x" * 200, [[0.5]] * 200, [10**400] * 200,
          {i: {str(i)} for i in range(200)}]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_large_value_is_known_by_its_hash(value: list | str | dict) -> None:
    """A value made again from its text shares no part with the first."""
    again = eval(repr(value))
    assert isinstance(short(value), Hashed)
    assert short(value) == short(again)
    assert short(value) != short([value])
    assert loads(dumps(short(value))) == short(value)


def test_equal_strings_and_sets_have_equal_hashes_however_they_were_made() -> None:
    letters = [chr(97 + i % 26) * 3 for i in range(100)]
    joined = "".join(letters)
    cut = [joined[i : i + 3] for i in range(0, 300, 3)]
    assert short([*letters, set(letters)]) == short([*cut, set(reversed(cut))])


@pytest.mark.parametrize("value", [np.ones(200), Counter(range(200))], ids=["array", "Counter"])
def test_what_cannot_be_packed_is_encoded_in_full(value: object) -> None:
    assert not isinstance(short(value), Hashed)


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
