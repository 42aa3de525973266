"""Large values as hashes: what leaves the sandbox then is short, and is quickly compared."""

from __future__ import annotations

import hashlib
import json
import marshal
from typing import Any

from .codec import dumps
from .digest import weighs_more

PLAIN = 2  # of marshal: the last version in which equal values of equal types give equal bytes
NANS = tuple(b"g\0\0\0\0\0\0\xf8" + sign for sign in (b"\x7f", b"\xff"))


def dumps_short(value: Any, longest: int) -> str:
    """Encode a value; of one of more than `longest` items and characters give a hash.

    The hash is of the value's packed form (marshal), which is much faster than text. Values that
    cannot be packed (other types than plain ones) are encoded in full, and so are those with a NaN,
    which is not equal to itself.
    """
    if not weighs_more(value, longest):
        return dumps(value)
    try:
        packed = marshal.dumps(value, PLAIN)
    except ValueError:
        return dumps(value)
    if any(nan in packed for nan in NANS):
        return dumps(value)
    floats = type(value) in (list, tuple) and set(map(type, value)) == {float}
    return json.dumps({"hashed": [hashlib.sha256(packed).hexdigest(), len(packed), floats]})
