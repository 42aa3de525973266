"""Very large values: their weight, and a digest that stands for them.

A digest is the same for values that are equal by `==`: numbers are written by value (1, 1.0 and
True alike), sets and dictionaries without regard to order. Tolerances cannot be applied to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

LARGE = 4_000_000
"""Characters and items from which on a value is digested, not sent."""
SEQUENCES = (list, tuple, set, frozenset)
_BRACKETS = {list: b"[", tuple: b"(", set: b"{", frozenset: b"{"}


class Digest:
    """Stands for a value too large to send; equal to that value, or its other stand-ins."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return self.text == (other.text if isinstance(other, Digest) else digest(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<a very large value, SHA-256 {self.text[:16]}>"


class Hashed:
    """Stands for a value by the SHA-256 of its packed form; equal to what has the same.

    Values of equal hash are equal; values of unequal hash may still be (1 and 1.0).

    Parameters
    ----------
    text : the hash in hexadecimal.
    size : bytes of the packed form.
    floats : whether the value is a list or tuple of floats alone.
    """

    def __init__(self, text: str, size: int, floats: bool) -> None:
        self.text, self.size, self.floats = text, size, floats

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashed) and self.text == other.text

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<a large value, size {self.size}, SHA-256 {self.text[:16]}>"


def is_large(value: Any) -> bool:
    """Whether a value has more than `LARGE` characters and items."""
    return weighs_more(value, LARGE)


def weighs_more(value: Any, limit: int) -> bool:
    """Whether a value has more than `limit` characters and items."""
    return _left(value, limit) < 0


def _left(value: Any, left: int) -> int:
    """What of `left` a value leaves; negative, and not exact, when it is used up."""
    # Exact types: a subclass may answer for its length and items as it likes. It weighs nothing,
    # and is sent in full, up to the limit of a program's outcomes.
    kind = type(value)
    if kind in (str, bytes):
        return left - len(value)
    if kind is dict:
        return _left(list(value.values()), _left(list(value), left))
    if kind not in SEQUENCES:
        return left
    left -= len(value)
    kinds = set(map(type, value))
    if kinds == {str}:
        return left - sum(map(len, value))
    if not kinds & {str, bytes, dict, *SEQUENCES}:  # numbers: nothing within to look at
        return left
    for item in value:
        left = _left(item, left)
        if left < 0:
            break
    return left


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical text, in hexadecimal."""
    state = hashlib.sha256()
    for piece in _pieces(value):
        state.update(piece)
    return state.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    # Each container ends with a semicolon and each other value with a comma: else [[1], 2] and
    # [[1, 2]] were one text.
    kind = type(value)
    if kind in (list, tuple):
        yield _BRACKETS[kind]
        for item in value:
            if type(item) is str:  # the usual large value: spares a generator for each item
                yield _text(item)
            else:
                yield from _pieces(item)
        yield b";"
    elif kind in (set, frozenset):  # by sorted digests: equal sets may differ in their order
        yield b"{" + ",".join(sorted(map(digest, value))).encode() + b";"
    elif kind is dict:
        yield b"<" + ",".join(sorted(map(digest, value.items()))).encode() + b";"
    elif isinstance(value, int | float | complex):
        yield b"#" + _number(value)
    else:
        yield _text(value)


def _text(value: Any) -> bytes:
    return f"{type(value).__name__}:{value!r},".encode("utf-8", "backslashreplace")


def _number(value: Any) -> bytes:
    # Down to the plainest type of the same value, since 1, 1.0 and 1+0j are equal. Hexadecimal,
    # because decimal text of long integers takes quadratic time.
    if isinstance(value, complex) and value.imag == 0:
        value = value.real
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (hex(value) if isinstance(value, int) else repr(value)).encode() + b","
