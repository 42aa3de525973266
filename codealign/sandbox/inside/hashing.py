"""Large values as hashes: what leaves the sandbox then is short, and is quickly compared."""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Iterator
from typing import Any

from .codec import NUMBERS, dumps, encode, plain_numbers
from .digest import is_large

PIECE = 100_000
MARSHAL_PLAIN = 2  # the last version without references, so that equal lists give equal bytes
NAN = '{"float":"nan"}'


def dumps_short(value: Any, longest: int) -> str:
    """Encode a value; of one whose encoding is longer than `longest` give the hash of it.

    Values with a NaN in them are not hashed: they are not equal to themselves.
    """
    try:
        if (numbers := _packed_numbers(value, longest)) is not None:
            floats = set(map(type, value)) == {float}
            return _hashed(hashlib.sha256(numbers).hexdigest(), len(numbers), floats)
        pieces = _pieces(value) if is_large(value) else iter((dumps(value),))
        first = next(pieces, "")
        if not is_large(value) and (len(first) <= longest or NAN in first):
            return first
        found, size = hashlib.sha256(first.encode("utf-8", "surrogatepass")), len(first)
        for piece in pieces:
            found.update(piece.encode("utf-8", "surrogatepass"))
            size += len(piece)
    except RecursionError:
        return json.dumps({"opaque": "too deeply nested"})
    floats = type(value) in (list, tuple) and set(map(type, value)) == {float}
    return _hashed(found.hexdigest(), size, floats)


def _hashed(text: str, size: int, floats: bool) -> str:
    return json.dumps({"hashed": [text, size, floats]})


def _packed_numbers(value: Any, longest: int) -> bytes | None:
    """A long list or tuple of finite numbers alone, packed: much faster than as text."""
    if type(value) not in (list, tuple) or len(value) <= longest:
        return None
    if not set(map(type, value)) <= NUMBERS or not plain_numbers(value):
        return None
    return type(value).__name__.encode() + marshal.dumps(value, MARSHAL_PLAIN)


def _pieces(value: Any) -> Iterator[str]:
    """The encoding of a very large value, a part at a time where it is a sequence."""
    kind = type(value)
    yield kind.__name__
    if kind in (list, tuple, str, bytes):
        for start in range(0, len(value), PIECE):
            yield json.dumps(encode(value[start : start + PIECE]), separators=(",", ":"))
    else:
        yield json.dumps(encode(value), separators=(",", ":"))
