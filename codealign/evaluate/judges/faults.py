"""What a judging server's faults mean, in words; the server's own are left out, they may quote
the key.
"""

from __future__ import annotations

import openai

from codealign.errors import CodealignError

KEY = "OPENAI_API_KEY"
LONGEST_WAIT = 120
"""Seconds up to which the client library follows a server's Retry-After."""


def refusal(status: int, tries: int) -> str:
    """Return why one request stays without a reply, or "" if the fault concerns all of them."""
    if status in (400, 413, 422):
        return f"the server refused the request ({status})"
    if status >= 500:
        return f"server error {status} in {tries} tries"
    return ""


def explain(
    error: openai.OpenAIError, model: str, base_url: str, retries: int, timeout_s: float
) -> CodealignError:
    """Return the error that says what to do about a fault that concerns every request."""
    server, tries = base_url or "api.openai.com", retries + 1
    what = {
        openai.AuthenticationError: f"{server} refuses the key in {KEY}; check it",
        openai.PermissionDeniedError: f"{server} does not allow this model with this key",
        openai.NotFoundError: f"{server} has no model {model!r}, or no such address",
        openai.RateLimitError: _limited(error, server, tries),
        openai.APITimeoutError: f"{server} gave no reply within {timeout_s:g} s in {tries} tries; "
        "run again to continue",
        openai.APIConnectionError: f"{server} cannot be reached; start it, then run again",
    }
    known = next((text for kind, text in what.items() if isinstance(error, kind)), "")
    return CodealignError(f"judge {model!r}: {known or type(error).__name__}")


def _limited(error: openai.OpenAIError, server: str, tries: int) -> str:
    wait = error.response.headers.get("retry-after", "") if hasattr(error, "response") else ""
    if wait.isdigit() and int(wait) > LONGEST_WAIT:
        return f"{server} asks to wait for {wait} s; run again then to continue"
    return (
        f"{server} is still limiting or out of quota after {tries} tries; wait or check the "
        "account, then run again"
    )
