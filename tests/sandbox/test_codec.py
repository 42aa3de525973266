"""Values survive the way out of the sandbox, and hostile ones do no harm."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from codealign.sandbox.inside.codec import LONG_RANGE, Opaque, dumps, loads

VALUES = [
    None, True, 0, -(10**18), 10**18, 10**400, 1.5, -0.0, math.inf, -math.inf, 2 + 3j, "", "\ud800",
    b"\x00\xff", bytearray(b"a"), [], [1, "a", None, [2.5]], (), (1, (2,)), set(), {1, "a"},
    frozenset({(1, 2)}), {}, {1: 2, (1, 2): [3], None: {"a": {}}}, range(2, 9, 3), int, list,
    Decimal("1.10"), Fraction(1, 3), [1.0, math.inf], [10**30, 1], [True, None, "x"],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_values_come_back_equal_and_of_the_same_type(value: object) -> None:
    found = loads(dumps(value))
    assert found == value
    assert type(found) is type(value)


def test_nan_comes_back_as_nan() -> None:
    assert math.isnan(loads(dumps(math.nan)))


def test_negative_zero_keeps_its_sign() -> None:
    assert math.copysign(1, loads(dumps(-0.0))) == -1


@pytest.mark.parametrize(
    "value", [np.float32(1.5), np.float64(2), np.int64(3), np.bool_(True), np.complex128(1j)]
)
def test_numpy_scalars_keep_value_and_type(value: np.generic) -> None:
    found = loads(dumps(value))
    assert found == value
    assert type(found) is type(value)


def test_numpy_arrays_keep_shape_and_type() -> None:
    value = np.arange(6, dtype=np.int32).reshape(2, 3)
    found = loads(dumps(value))
    assert found.dtype == value.dtype
    assert (found == value).all()


@pytest.mark.parametrize(
    "value", [Counter("aab"), OrderedDict(a=1), namedtuple("P", "x")(1)], ids=repr
)
def test_subclasses_come_back_as_their_base(value: object) -> None:
    assert loads(dumps(value)) == value


class Equal(int):
    """Claims to be equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __int__(self) -> int:
        return 42

    __index__ = __int__
    __hash__ = int.__hash__


def test_an_overridden_method_does_not_reach_the_host() -> None:
    found = loads(dumps(Equal(7)))
    assert type(found) is int
    assert found == 7


class Anything:
    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("value", [Anything(), map(str, []), (x for x in []), print, Anything])
def test_other_objects_equal_nothing(value: object) -> None:
    found = loads(dumps(value))
    assert isinstance(found, Opaque)
    assert found != value
    assert found != found  # noqa: PLR0124


def test_a_list_that_contains_itself_is_opaque() -> None:
    value: list[object] = []
    value.append(value)
    assert isinstance(loads(dumps(value)), Opaque)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", '{"a": 1}', '{"int": 5}', '{"array": ["O", [1], ""]}', '{"scalar": ["<i8", ""]}',
        '{"dict": [[[], 1]]}', '{"type": "print"}', '{"type": "nothing"}', "[" * 100_000,
        '{"fraction": [1, 0]}', '{"decimal": "x"}', '{"tuple": 1}', '{"range": [0, 1, 0]}',
    ],
)  # fmt: skip
def test_forged_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_a_long_range_is_not_unrolled_on_the_host() -> None:
    assert isinstance(loads(dumps(range(LONG_RANGE + 1))), Opaque)
