"""Replies of a judging server: what a chat completion holds, and the cache of paid ones."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from codealign.generate import wire
from codealign.records import stable_id, write_text

EMPTY = "empty reply"


@dataclass(frozen=True)
class Reply:
    """A model's reply: its text, or "" and the fault that leaves the answer unrated.

    `cut` tells that the text ended at its longest, `longest` tokens (an empty one too: a model may
    think for as long as that). Token counts are the server's own; 0 where it gave none.
    """

    text: str
    fault: str = ""
    cut: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    longest: int = 1024


class Malformed(Exception):
    """The server's reply is not a chat completion."""


def read_reply(body: bytes | str | dict, longest: int = 1024) -> Reply:
    """Return the reply in the body of a chat completion.

    Raises
    ------
    Malformed
        Not JSON, or not a chat completion with a message.
    """
    try:
        data = body if isinstance(body, dict) else json.loads(body)
        choice = data["choices"][0]
        content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
        usage = data.get("usage") or {}
        tokens = [int(usage.get(f"{kind}_tokens") or 0) for kind in ("prompt", "completion")]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Malformed from None
    if not isinstance(content, str | list | None):
        raise Malformed
    text, finish = wire.text_of(content), choice.get("finish_reason")
    cut = finish == "length"
    fault = "" if text or cut else "the model refused to judge" if refusal else EMPTY
    if finish == "content_filter":
        fault = "the server's content filter stopped the reply"
    return Reply("" if fault else text, fault, cut, *tokens, longest)


class Replies:
    """Paid replies by the hash of all that decided them; a reply is never asked for again.

    Parameters
    ----------
    folder : where they are kept; None keeps none.
    longest : tokens that a reply may have now; one that was cut at fewer is asked for again.
    identity : what decides a reply besides the prompt (model, server, settings).
    """

    def __init__(self, folder: Path | str | None, longest: int, *identity: object) -> None:
        self.folder, self.longest = None if folder is None else Path(folder), longest
        self.identity = identity

    def key(self, prompt: str) -> str:
        """Return the content hash that a prompt's reply is kept under."""
        return stable_id(*self.identity, prompt)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Reply | None:
        """Return a kept reply; None if there is none, or if a power cut left its file empty.

        Neither is there one that was cut, if it has more room now.
        """
        if self.folder is None:
            return None
        try:
            reply = Reply(**json.loads(self._path(key).read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        # Caches of earlier versions hold an empty reply, cut or not, as a fault.
        cut = reply.cut or (reply.fault == EMPTY and reply.completion_tokens >= reply.longest)
        return None if cut and reply.longest < self.longest else reply

    def keep(self, key: str, reply: Reply) -> None:
        """Keep a reply."""
        if self.folder is not None:
            write_text(self._path(key), json.dumps(asdict(reply), ensure_ascii=False) + "\n")
