"""Values survive the way out of the sandbox, and hostile ones do no harm."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter, OrderedDict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path, PurePosixPath
from uuid import UUID

import numpy as np
import pytest

from codealign.sandbox.inside.codec import LONG_RANGE, Opaque, dumps, holds_opaque, loads

VALUES = [
    None, True, 0, -(10**18), 10**18, 10**400, 1.5, -0.0, math.inf, -math.inf, 2 + 3j, "", "\ud800",
    b"\x00\xff", bytearray(b"a"), [], [1, "a", None, [2.5]], (), (1, (2,)), set(), {1, "a"},
    frozenset({(1, 2)}), {}, {1: 2, (1, 2): [3], None: {"a": {}}}, range(2, 9, 3), int, list,
    Decimal("1.10"), Fraction(1, 3), [1.0, math.inf], [10**30, 1], [True, None, "x"],
    date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3, 4), datetime(2024, 1, 1, tzinfo=UTC),
    time(1, 2, 3), timedelta(-1, 2, 3), deque([1, (2,)]), PurePosixPath("a/b"), UUID(int=7),
    IPv4Address("10.0.0.1"), IPv6Address("::1"), {date(2024, 1, 1): {UUID(int=1)}}, 10**10_000,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_values_come_back_equal_and_of_the_same_type(value: object) -> None:
    decoded = loads(dumps(value))
    assert decoded == value
    assert type(decoded) is type(value)


def test_nan_comes_back_as_nan() -> None:
    assert math.isnan(loads(dumps(math.nan)))


def test_negative_zero_keeps_its_sign() -> None:
    assert math.copysign(1, loads(dumps(-0.0))) == -1


@pytest.mark.parametrize(
    "value", [np.float32(1.5), np.float64(2), np.int64(3), np.bool_(True), np.complex128(1j)]
)
def test_numpy_scalars_keep_value_and_type(value: np.generic) -> None:
    decoded = loads(dumps(value))
    assert decoded == value
    assert type(decoded) is type(value)


def test_numpy_arrays_keep_shape_and_type() -> None:
    value = np.arange(6, dtype=np.int32).reshape(2, 3)
    decoded = loads(dumps(value))
    assert decoded.dtype == value.dtype
    assert (decoded == value).all()


@pytest.mark.parametrize(
    "value", [Counter("aab"), OrderedDict(a=1), namedtuple("P", "x")(1)], ids=repr
)
def test_subclasses_come_back_as_their_base(value: object) -> None:
    assert loads(dumps(value)) == value


def test_a_path_of_the_machine_comes_back_as_a_pure_one_that_is_equal() -> None:
    assert loads(dumps(Path("a/b"))) == Path("a/b")


@pytest.mark.parametrize("kind", [dict, OrderedDict, Counter])
def test_views_of_a_dictionary_come_back_as_what_they_are_equal_to(kind: type[dict]) -> None:
    given = kind(a=1)
    assert loads(dumps(given.items())) == {("a", 1)} == given.items()
    assert loads(dumps(given.keys())) == {"a"} == given.keys()


@pytest.mark.parametrize(
    "value",
    [np.str_("a"), np.str_(""), np.bytes_(b"a"), {np.str_("a"): [np.str_("b")]}, {np.str_("a")}],
    ids=repr,
)
def test_text_of_numpy_comes_back_as_what_it_is_equal_to(value: object) -> None:
    assert loads(dumps(value)) == value


def test_arrays_of_text_keep_their_items() -> None:
    decoded = loads(dumps(np.array([["a", "bb"]])))
    assert decoded.tolist() == [["a", "bb"]]
    assert set(decoded[0]) == {"a", "bb"}


class Equal(int):
    """Claims to be equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __int__(self) -> int:
        return 42

    __index__ = __int__
    __hash__ = int.__hash__


def test_an_overridden_method_does_not_reach_the_host() -> None:
    decoded = loads(dumps(Equal(7)))
    assert type(decoded) is int
    assert decoded == 7


class List(list):
    __hash__ = list.__len__


class Dict(dict):
    __hash__ = dict.__len__


class Set(set):
    def __hash__(self) -> int:
        return hash(frozenset(self))


class Bytes(bytearray):
    def __hash__(self) -> int:
        return hash(bytes(self))


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ({Set({1})}, {frozenset({1})}),
        ({Set({1})}, {frozenset({2})}),
        ({Bytes(b"a"): 1}, {b"a": 1}),
        ({(1, Set({2}))}, {(1, frozenset({2}))}),
        ({List([1])}, {(1,)}),
        ({List([1]): 1}, {1: 1}),
        ({(1, List([2]))}, {(1, (2,))}),
        ({Dict(a=1)}, {"a"}),
        ({1: List([2])}, {1: [2]}),
        ([List([1]), Dict(a=1), Set({1})], [[1], {"a": 1}, {1}]),
    ],
    ids=repr,
)
def test_what_has_a_hash_of_its_own_is_compared_as_python_does(value, other) -> None:
    assert (loads(dumps(value)) == other) is (value == other)


@pytest.mark.parametrize(
    "value",
    [{List()}, {List(): 1}, {List(): 1}.keys(), {1: List()}.items(), frozenset({(List(), 1)})],
    ids=repr,
)
def test_a_set_that_no_plain_set_can_equal_says_what_it_holds(value: object) -> None:
    assert holds_opaque(loads(dumps(value))) == f"{__name__}.List"


Colour = Enum("Colour", "red")


class Anything:
    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("value", [Anything(), map(str, []), (x for x in []), print, Anything])
def test_other_objects_equal_nothing(value: object) -> None:
    decoded = loads(dumps(value))
    assert isinstance(decoded, Opaque)
    assert decoded != value
    assert decoded != decoded  # noqa: PLR0124


@pytest.mark.parametrize(
    "value", [{Colour.red}, {Colour.red: 1}, frozenset({(1, Colour.red)}), [{1: {Colour.red}}]]
)
def test_an_own_object_is_found_wherever_it_stands(value: object) -> None:
    assert holds_opaque(loads(dumps(value))) == f"{__name__}.Colour"


@pytest.mark.parametrize("value", [1, "a", [1, (2, {3: 4})], {1, 2}, deque([1])])
def test_plain_values_hold_nothing_opaque(value: object) -> None:
    assert holds_opaque(loads(dumps(value))) == ""


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ('{"b", "a", "c"}', '{"set":["a","b","c"]}'),
        ('frozenset({("b", 1), ("a", 2)})', '{"frozenset":[{"tuple":["a",2]},{"tuple":["b",1]}]}'),
        ('dict.fromkeys({"b", "a", "c"}).keys()', '{"frozenset":["a","b","c"]}'),
    ],
)
def test_equal_sets_have_one_text_in_every_process(items: str, text: str) -> None:
    code = f"from codealign.sandbox.inside.codec import dumps; print(dumps({items}))"
    for seed in "123":  # of the hashes of strings: the sets are in another order in each
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
        assert ran.stdout.decode().strip() == text


def test_items_that_no_set_can_hold_are_opaque() -> None:
    assert isinstance(loads(dumps({"a": [1]}.items())), Opaque)


def test_a_list_that_contains_itself_is_opaque() -> None:
    value: list[object] = []
    value.append(value)
    assert isinstance(loads(dumps(value)), Opaque)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", '{"a": 1}', '{"int": 5}', '{"array": ["O", [1], ""]}', '{"scalar": ["<i8", ""]}',
        '{"dict": [[[], 1]]}', '{"type": "print"}', '{"type": "nothing"}', "[" * 100_000,
        '{"fraction": [1, 0]}', '{"date": 5}', '{"date": "x"}', '{"uuid": []}', '{"ip": "x"}',
        '{"set": [[]]}', '{"timedelta": ["a"]}', '{"timedelta": [1e300]}', '{"path": 5}',
        '{"decimal": "x"}', '{"tuple": 1}', '{"range": [0, 1, 0]}',
    ],
)  # fmt: skip
def test_forged_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_a_long_range_is_not_unrolled_on_the_host() -> None:
    assert isinstance(loads(dumps(range(LONG_RANGE + 1))), Opaque)
