"""Replies of a judging server: what a chat completion holds, and the cache of paid ones."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from codealign.records import stable_id, write_text


@dataclass(frozen=True)
class Reply:
    """A model's reply: its text, or "" and the fault that leaves the answer unrated.

    `cut` tells that the text ended at its longest. Token counts are the server's own; 0 where it
    gave none.
    """

    text: str
    fault: str = ""
    cut: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Malformed(Exception):
    """The server's reply is not a chat completion."""


def read_reply(body: bytes | str | dict) -> Reply:
    """Return the reply in the body of a chat completion.

    Raises
    ------
    Malformed
        Not JSON, or not a chat completion with a message.
    """
    try:
        data = body if isinstance(body, dict) else json.loads(body)
        choice = data["choices"][0]
        text, refusal = choice["message"].get("content"), choice["message"].get("refusal")
        usage = data.get("usage") or {}
        tokens = [int(usage.get(f"{kind}_tokens") or 0) for kind in ("prompt", "completion")]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Malformed from None
    if text is not None and not isinstance(text, str):
        raise Malformed
    finish = choice.get("finish_reason")
    fault = "" if text else "the model refused to judge" if refusal else "empty reply"
    if finish == "content_filter":
        fault = "the server's content filter stopped the reply"
    return Reply("" if fault else text, fault, finish == "length", *tokens)


class Replies:
    """Paid replies by the hash of all that decided them; a reply is never asked for again.

    Parameters
    ----------
    folder : where they are kept; None keeps none.
    identity : what decides a reply besides the prompt (model, server, settings).
    """

    def __init__(self, folder: Path | str | None, *identity: object) -> None:
        self.folder = None if folder is None else Path(folder)
        self.identity = identity

    def key(self, prompt: str) -> str:
        """Return the content hash that a prompt's reply is kept under."""
        return stable_id(*self.identity, prompt)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Reply | None:
        """Return a kept reply; None if there is none, or if a power cut left its file empty."""
        if self.folder is None:
            return None
        try:
            return Reply(**json.loads(self._path(key).read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def keep(self, key: str, reply: Reply) -> None:
        """Keep a reply."""
        if self.folder is not None:
            write_text(self._path(key), json.dumps(asdict(reply), ensure_ascii=False) + "\n")
