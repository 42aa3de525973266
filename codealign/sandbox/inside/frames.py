"""Length-prefixed messages on a pipe: four bytes of length, then the payload."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

HEAD = struct.Struct("<I")
NAMED = "\0"
"""In a message about an exception: behind the name of its type, where Python allows it no place."""


def pack(payload: bytes) -> bytes:
    """Return the message for a payload."""
    return HEAD.pack(len(payload)) + payload


def read(stream: IO[bytes]) -> bytes | None:
    """Read one payload; None if the stream ends, even amid a message."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    size = HEAD.unpack(head)[0]
    payload = stream.read(size)
    return payload if len(payload) == size else None


def split(data: bytes) -> Iterator[bytes]:
    """Yield the payloads in `data`.

    Raises
    ------
    ValueError
        The data end amid a message.
    """
    place = 0
    while place < len(data):
        start = place + HEAD.size
        if start > len(data):
            raise ValueError("torn message")
        place = start + HEAD.unpack_from(data, start - HEAD.size)[0]
        if place > len(data):
            raise ValueError("torn message")
        yield data[start:place]
