"""Values as JSON text with tags, in place of pickle: decoding builds plain data and runs no code.

Plain JSON values stand for themselves; anything else is an object with one key, its tag:

==========  =================================================================
tag         value
==========  =================================================================
float       "nan", "inf" or "-inf"
int         hexadecimal text (integers of more than 18 digits)
complex     [real, imaginary]
bytes       base64 text; `bytearray` likewise
tuple       list of items; `range`: [start, stop, step]
set         list of items in the order of their texts; also `frozenset`
dict        list of [key, value]
array       [dtype, shape, base64 text] of a numpy array; `scalar`: [dtype, base64]
decimal     text of a Decimal; `fraction`: [numerator, denominator]
date        ISO text; also `datetime`, `time`; `timedelta`: [days, seconds, microseconds]
deque       list of items
path        text of a pure or a POSIX path; `uuid`, `ip`: text
type        name of a built-in type
digest      SHA-256 of a value of more than 4 million characters and items
hashed      [SHA-256, size, only floats] (see `hashing`)
opaque      type name of anything else (an iterator, a user's object)
==========  =================================================================

Subclasses are encoded by the methods of their built-in base, so that an object which overrides
`__eq__`, `__iter__` or `__index__` cannot influence what the other side compares. In a set, or as a
key, one may have a hash that its base has not (`_key`).
"""

from __future__ import annotations

import base64
import builtins
import json
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import PosixPath, PurePosixPath
from typing import Any
from uuid import UUID

from .digest import Digest, Hashed, digest, is_large

# From here on integers are hexadecimal, which is read in linear time and at any length; Python
# refuses to read more than 4,300 decimal digits.
SHORT = 10**18
# Most outputs are lists of plain values. Whether one is can be told by the set of its items' types,
# many times faster than by encoding or decoding each item.
_THEMSELVES = {str, bool, type(None)}
_NUMBERS = {int, float, bool}
_NESTED = {list, dict}
LONG_RANGE = 10**6
Encoder = Callable[[Any], Any]


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that has no encoding; equal to nothing, itself included.

    `type_name` is the name of its type, or says why it was not encoded.
    """

    type_name: str

    def __eq__(self, other: object) -> bool:
        # Not even itself: of two unknown values nobody can say that they are the same.
        return False


def dumps(value: Any) -> str:
    """Encode any value.

    One that is too deeply nested (or contains itself) becomes opaque; of one that is very large
    only a digest is given.
    """
    try:
        data = {"digest": digest(value)} if is_large(value) else encode(value)
        return json.dumps(data, separators=(",", ":"))
    except RecursionError:
        return json.dumps({"opaque": "too deeply nested"})


def loads(text: str | bytes) -> Any:
    """Decode what `dumps` made.

    Raises
    ------
    ValueError
        The text is not such an encoding (also an unknown tag).
    """
    try:
        return decode(json.loads(text))
    except (RecursionError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not an encoded value: {error!r}") from None


def encode(value: Any) -> Any:
    """Return the JSON-ready form of a value."""
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    kind = type(value)
    # Numbers of numpy, some of which are subclasses of float and complex, keep their type.
    if kind.__module__ != "numpy" or issubclass(kind, str | bytes):
        for base, encoder in _BASES:
            if issubclass(kind, base):
                return encoder(value)
    return _foreign(value)


def _same(value: Any) -> Any:
    return value


def _int(value: int) -> Any:
    value = int.__int__(value)
    return value if -SHORT < value < SHORT else {"int": hex(value)}


def _float(value: float) -> Any:
    value = float.__float__(value)
    return value if math.isfinite(value) else {"float": repr(value)}


def _complex(value: complex) -> Any:
    value = complex.__complex__(value)
    return {"complex": [_float(value.real), _float(value.imag)]}


def _list(value: list[Any]) -> Any:
    return _each(list(list.__iter__(value)))


def _key(value: Any) -> Any:
    """Encode a set's item or a dictionary's key.

    A subclass of a built-in type that has no hash may have one. A set or a bytearray is then sent
    as its equal of a type with a hash. To a list or a dictionary no value with a hash is equal, so
    that whatever holds one equals nothing that was expected.
    """
    kind = type(value)
    if kind in _THEMSELVES or kind in _NUMBERS:
        return encode(value)
    for base, encoder in _KEYS:
        if issubclass(kind, base):
            return encoder(value)
    return encode(value)


def _opaque(value: Any) -> Any:
    return {"opaque": f"{type(value).__module__}.{type(value).__name__}"[:200]}


def _items(tag: str, base: type, one: Encoder = encode) -> Encoder:
    return lambda value: {tag: _each(list(base.__iter__(value)), one)}  # type: ignore[attr-defined]


def _members(tag: str, base: type) -> Encoder:
    return lambda value: {tag: _sorted(base.__iter__(value))}  # type: ignore[attr-defined]


def _sorted(items: Iterable[Any]) -> list[Any]:
    """Encode items of a set, in the order of their texts: equal sets then have one text.

    Their own order follows the hashes of strings, which differ from process to process.
    """
    return sorted(_each(list(items), _key), key=json.dumps)


def _each(items: list[Any], one: Encoder = encode) -> list[Any]:
    """Encode items; lists of plain values, which stand for themselves, are left as they are."""
    kinds = set(map(type, items))
    if kinds <= _THEMSELVES:
        return items
    if kinds <= _NUMBERS and _plain_numbers(items):  # never empty: no kinds are `_THEMSELVES`
        return items
    return [one(v) for v in items]


def _plain_numbers(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether all numbers are finite, and short enough to stand for themselves."""
    try:
        return all(map(math.isfinite, items)) and -SHORT < min(items) and max(items) < SHORT
    except OverflowError:  # an integer beyond the range of floats
        return False


def _dict(value: dict[Any, Any]) -> Any:
    return {"dict": [[_key(k), encode(v)] for k, v in dict.items(value)]}


def _bytes(tag: str) -> Encoder:
    return lambda value: {tag: base64.b64encode(memoryview(value)).decode()}


def _range(value: range) -> Any:
    return {"range": [_int(value.start), _int(value.stop), _int(value.step)]}


def _type(value: type) -> Any:
    # The name that `type` itself has stored: a metaclass may answer with another one.
    name = type.__dict__["__name__"].__get__(value)
    return {"type": name} if builtins.__dict__.get(name) is value else {"opaque": f"class {name}"}


_PLAIN: dict[type, Encoder] = {
    type(None): _same, bool: _same, str: _same, int: _int, float: _float, list: _list,
    dict: _dict, tuple: _items("tuple", tuple),
}  # fmt: skip
# Tried in this order: a type stands before its base, as bool before int.
_BASES: list[tuple[type, Encoder]] = [
    (bool, _same), (int, _int), (float, _float), (complex, _complex), (str, str.__str__),
    (list, _list), (tuple, _items("tuple", tuple)), (dict, _dict),
    (set, _members("set", set)), (frozenset, _members("frozenset", frozenset)),
    (bytes, _bytes("bytes")), (bytearray, _bytes("bytearray")), (range, _range), (type, _type),
]  # fmt: skip
_KEYS: list[tuple[type, Encoder]] = [
    (tuple, _items("tuple", tuple, _key)), (set, _members("frozenset", set)),
    (bytearray, _bytes("bytes")), (list, _opaque), (dict, _opaque),
]  # fmt: skip


_EXACT: dict[type, tuple[str, Encoder]] = {
    date: ("date", date.isoformat),
    datetime: ("datetime", datetime.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    deque: ("deque", lambda v: _each(list(v))),
    Decimal: ("decimal", str),
    Fraction: ("fraction", lambda v: [_int(v.numerator), _int(v.denominator)]),
    PurePosixPath: ("path", str),
    PosixPath: ("path", str),
    UUID: ("uuid", str),
    IPv4Address: ("ip", str),
    IPv6Address: ("ip", str),
    Digest: ("digest", lambda v: v.text),
    Hashed: ("hashed", lambda v: [v.text, v.size, v.floats]),
    Opaque: ("opaque", lambda v: v.type_name),
}
"""Further types that are compared, but not their subclasses: tag, and what is sent."""


_KEY_VIEWS = {type(kind().keys()) for kind in (dict, OrderedDict)}
_ITEM_VIEWS = {type(kind().items()) for kind in (dict, OrderedDict)}


def _foreign(value: Any) -> Any:
    kind = type(value)
    if kind in _EXACT:
        tag, parts = _EXACT[kind]
        return {tag: parts(value)}
    name, module = kind.__name__, kind.__module__
    if kind in _KEY_VIEWS or (kind in _ITEM_VIEWS and _hashable(value)):
        return {"frozenset": _sorted(value)}  # to which they are equal
    if module == "numpy" and hasattr(value, "dtype") and value.dtype.kind in "biufcSU":
        data = base64.b64encode(value.tobytes()).decode()
        if name == "ndarray":
            return {"array": [value.dtype.str, list(value.shape), data]}
        return {"scalar": [value.dtype.str, data]}
    return _opaque(value)


def _hashable(values: Any) -> bool:
    try:
        frozenset(values)
    except Exception:  # whatever a hash of the program's own raises
        return False
    return True


def decode(data: Any) -> Any:
    """Build the value of a JSON-ready form."""
    if isinstance(data, list):
        return [decode(v) for v in data] if set(map(type, data)) & _NESTED else data
    if not isinstance(data, dict):
        return data
    # One key, a tag: a program's own dictionaries come as lists of pairs, so none can pose as one.
    ((tag, body),) = data.items()
    return _DECODERS[tag](body)


def holds_opaque(value: Any) -> str:
    """Return the type name of a value, here or within, that equals nothing; "" if there is none."""
    if isinstance(value, Opaque):
        return value.type_name
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set | frozenset | deque):
        return next(filter(None, map(holds_opaque, value)), "")
    return ""


def _range_or_opaque(body: list[Any]) -> Any:
    """A range; one of many items stays closed, lest a comparison unrolls it on the host."""
    value = range(*map(decode, body))
    return value if len(value) <= LONG_RANGE else Opaque("range of too many items")


def _type_named(name: str) -> type:
    kind = vars(builtins)[name]
    if not isinstance(kind, type):
        raise TypeError(name)
    return kind


def _array(body: list[Any]) -> Any:
    import numpy as np

    # Of forged text too: numpy refuses to read objects (pointers) from bytes.
    return np.frombuffer(base64.b64decode(body[-1]), dtype=np.dtype(body[0]))


# These run on the host, on bytes that a hostile program may have written. None may import or call
# what the text names, nor make much out of little (therefore `_range_or_opaque`); a fault has to
# be one of the errors that `loads` knows.
_DECODERS: dict[str, Encoder] = {
    "float": float,
    "int": lambda b: int(b, 16),
    "complex": lambda b: complex(decode(b[0]), decode(b[1])),
    "bytes": base64.b64decode,
    "bytearray": lambda b: bytearray(base64.b64decode(b)),
    "tuple": lambda b: tuple(decode(b)),
    "set": lambda b: set(decode(b)),
    "frozenset": lambda b: frozenset(decode(b)),
    "range": _range_or_opaque,
    "dict": lambda b: {decode(k): decode(v) for k, v in b},
    "array": lambda b: _array(b).reshape(b[1]).copy(),
    "scalar": lambda b: _array(b)[0],
    "decimal": Decimal,
    "fraction": lambda b: Fraction(decode(b[0]), decode(b[1])),
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda b: timedelta(*b),
    "deque": lambda b: deque(decode(b)),
    "path": PurePosixPath,
    "uuid": UUID,
    "ip": ip_address,
    "type": _type_named,
    "digest": Digest,
    "hashed": lambda b: Hashed(*b),
    "opaque": Opaque,
}
