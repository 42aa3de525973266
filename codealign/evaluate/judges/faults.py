"""What a judging server's faults mean, in words; the server's own are left out, they may quote
the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import openai

from codealign.errors import CodealignError
from codealign.evaluate.judges import KEY
from codealign.generate import wire

REFUSED = (400, 413, 422)
UNAVAILABLE = (502, 503, 504, 529)
MOST_REFUSED = 5
"""Requests refused one after the other, with no reply at all, after which it is no single one."""


def refusal(status: int, tries: int) -> str:
    """Return why one request stays without a reply, or "" if the fault concerns all of them."""
    if status in REFUSED:
        return f"the server refused the request ({status})"
    if status >= 500 and status not in UNAVAILABLE:
        return f"server error {status} in {tries} tries"
    return ""


def refused_for_all(
    status: int, error: Mapping[str, Any] | openai.APIStatusError, sent: Iterable[str]
) -> str:
    """Return the parameter that a server refuses in every request; "" if it is another fault."""
    return wire.refused_parameter(error, sent) if status in REFUSED else ""


def unaccepted(name: str, model: str, base_url: str) -> CodealignError:
    """Return the error about a parameter, or a model, that the server refuses."""
    refusal = wire.parameter_refusal(base_url or "api.openai.com", model, name)
    return CodealignError(f"judge {model!r}: {refusal}; nothing is stored for these answers")


def explain(
    error: openai.OpenAIError, model: str, base_url: str, retries: int, timeout_s: float
) -> CodealignError:
    """Return the error that says what to do about a fault that concerns every request."""
    server, tries = base_url or "api.openai.com", retries + 1
    status = getattr(error, "status_code", 0)
    what = {
        openai.AuthenticationError: f"{server} refuses the key in {KEY}; check it",
        openai.PermissionDeniedError: f"{server} does not allow this model with this key",
        openai.NotFoundError: f"{server} has no model {model!r}, or no such address",
        openai.RateLimitError: f"{server} is still limiting or out of quota after {tries} tries; "
        "wait or check the account, then run again",
        openai.InternalServerError: f"{server} is still unavailable ({status}) after {tries} "
        "tries; run again to continue",
        openai.APITimeoutError: f"{server} gave no reply within {timeout_s:g} s in {tries} tries; "
        "run again to continue",
        openai.APIConnectionError: f"{server} cannot be reached; start it, then run again",
        openai.APIStatusError: f"{server} refuses the requests ({status})",
    }
    known = next((text for kind, text in what.items() if isinstance(error, kind)), "")
    reason = wire.long_wait(error, server) or known or type(error).__name__
    return CodealignError(f"judge {model!r}: {reason}")
