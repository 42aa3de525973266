"""What servers that speak OpenAI's interface send: texts, waits, refusals of a parameter."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

REASONING = "reasoning:"
"""Before a model's name: it is asked with `max_completion_tokens` and without temperature."""
LONGEST_WAIT = 120
"""Seconds up to which the client library follows a server's Retry-After; a longer one it does not
wait for, and does not ask again either, whatever its `max_retries` says."""
PROMPTS = ("messages", "prompt")
TOO_LONG = re.compile(
    r"context_length_exceeded|context length|context window|too many tokens", re.I
)
NO_MODEL = re.compile(r"model_not_found|\bmodel\b.{0,80}(does not exist|not found|unknown)", re.I)


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, or a list of parts (its text parts joined).

    Parts of a model's thinking are left out.
    """
    if isinstance(content, list | tuple):
        content = "".join(map(_part, content))
    return well_formed(content) if isinstance(content, str) else ""


def well_formed(text: str) -> str:
    """Return a text with U+FFFD for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        part = {"type": getattr(part, "type", ""), "text": getattr(part, "text", "")}
    text = part.get("text") if part.get("type") in ("text", "output_text") else ""
    text = text.get("value") if isinstance(text, Mapping) else text
    return text if isinstance(text, str) else ""


def sizes(model: str, longest: int, **sampling: Any) -> dict[str, Any]:
    """Return a request's model, longest reply and sampling, as the kind of model takes them."""
    if model.startswith(REASONING):
        return {"model": model.removeprefix(REASONING), "max_completion_tokens": longest}
    return {"model": model, **sampling, "max_tokens": longest}


def wait_asked(headers: Mapping[str, str]) -> float:
    """Return the seconds that a server asks to wait for; 0 if it does not say.

    `retry-after-ms`, or `Retry-After` in seconds (with decimals) or as a date.
    """
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / divisor
        except ValueError:
            continue
        return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    try:
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0
    except (ValueError, OverflowError):
        return 0.0


def long_wait(error: Any, server: str) -> str:
    """Return what to say of a fault whose wait is longer than is waited here; "" for another."""
    wait = wait_asked(error.response.headers) if hasattr(error, "response") else 0.0
    if wait <= LONGEST_WAIT:
        return ""
    return f"{server} asks to wait for {math.ceil(wait)} s; run again then to continue"


def is_too_long(error: Any) -> bool:
    """Whether a prompt does not fit into the model's context (OpenAI by code, others in words)."""
    return bool(TOO_LONG.search(_words(error)))


def _words(error: Any) -> str:
    """Return what a server says in an error: code, message, and the places that FastAPI names."""
    if isinstance(error, Mapping):
        return f"{error.get('code')} {error.get('message')}"
    body = getattr(error, "body", None)
    detail = body.get("detail") if isinstance(body, Mapping) else None
    places = (
        [d.get("loc") for d in detail if isinstance(d, Mapping)] if isinstance(detail, list) else ""
    )
    return f"{getattr(error, 'code', '')} {error} {places}"


def refused_parameter(error: Any, sent: Iterable[str]) -> str:
    """Return the parameter of a request that a server refuses; "" if it refuses the prompt.

    Parameters
    ----------
    error : the library's, or the error object of a batch's line.
    sent : names of what was sent; only these are looked for in the server's words.
    """
    get = error.get if isinstance(error, Mapping) else lambda name: getattr(error, name, None)
    if is_too_long(error):
        return ""
    if NO_MODEL.search(_words(error)):
        return "model"
    names = [name for name in sent if name not in PROMPTS]
    if get("param") in names:
        return str(get("param"))
    words = [name for name in names if name != "model" and re.search(rf"\b{name}\b", _words(error))]
    return words[0] if words else ""


def parameter_refusal(server: str, model: str, name: str) -> str:
    """Return the line about a parameter, or a model, that a server refuses."""
    if name == "model":
        return f"{server} has no model {model.removeprefix(REASONING)!r}"
    line = f"{server} refuses the parameter `{name}` for the model {model!r}"
    if model.startswith(REASONING):
        return line
    return (
        f"{line}; name the model `{REASONING}{model}`: it is then asked with "
        "`max_completion_tokens` and without temperature, top_p, seed and stop"
    )
