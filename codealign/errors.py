"""The one error a user meets: what failed, where, and what to do."""

from __future__ import annotations


class CodealignError(Exception):
    """Bad input or a missing precondition; the message says what, where and what to do."""


def nearest(word: str, valid: list[str]) -> str:
    """Return "; did you mean 'x'?" for the valid name closest to `word`, or the valid names."""
    import difflib

    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; valid: {', '.join(sorted(valid))}"
