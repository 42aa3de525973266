"""Many gradings at once through OpenAI's Batch API: upload, create, poll, download.

A batch carries a name made from everything it asks, so that a killed run finds its batch at the
server again and pays for none twice. All replies of a batch are in the cache before the first is
handed on. Lines that failed go into another batch, `ROUNDS` in each run; what then still fails
stays unrated with its reason until the next run.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import openai
from openai.types import Batch

from codealign.errors import CodealignError
from codealign.evaluate.judges.replies import Malformed, Replies, Reply, read_reply
from codealign.evaluate.judges.spending import SpendingLimit
from codealign.records import stable_id

ROUNDS = 3
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""A batch's limits: https://developers.openai.com/api/docs/guides/batch."""
WINDOW = "24h"
ENDPOINT = "/v1/chat/completions"
NAME = "codealign"
"""Key of the batch's name among its metadata."""
GONE = ("failed", "cancelled", "cancelling")
DONE = ("completed", "expired")
poll_s = 30.0
"""Seconds between looks at an unfinished batch."""


class Asker(Protocol):
    """What a batch needs of the judge that asks."""

    name: str
    key: str
    longest: int
    replies: Replies
    budget: SpendingLimit

    def request(self, prompt: str) -> dict[str, Any]:
        """Return the body of the request for a prompt."""

    def client_options(self) -> dict[str, Any]:
        """Return what a client of the library is opened with."""

    def explain(self, error: openai.OpenAIError) -> CodealignError:
        """Return the error that says what to do about a fault of the server."""

    def refusal(
        self, status: int, error: Mapping[str, Any], sent: Iterable[str], tries: int
    ) -> str:
        """Return why a line has no reply; raise if the fault concerns all of them."""


def ask_batches(
    judge: Asker, prompts: list[str], everything: list[str]
) -> Iterator[tuple[str, Reply]]:
    """Yield each prompt with its reply.

    Parameters
    ----------
    prompts : what is not in the judge's cache.
    everything : all that is being rated, cached or not: it names the batches.

    Raises
    ------
    CodealignError
        The server's fault concerns all of it, a batch failed as a whole, or the spending limit
        does not allow a batch.
    """
    name = stable_id(judge.key, judge.longest, *(judge.replies.key(p) for p in sorted(everything)))
    waiting = {judge.replies.key(p): p for p in prompts}
    faults: dict[str, str] = {}
    with openai.OpenAI(**judge.client_options()) as client:
        try:
            rounds = 0
            for number in itertools.count():
                new = False  # a round counts if part of it is sent now, not by a killed run
                # Divided as the first run did, whatever is cached by now: a label names a part.
                for part, whole in enumerate(_parts(judge, everything)):
                    lines = {key: line for key, line in whole.items() if key in waiting}
                    if not lines:
                        continue
                    label = f"{name}-{number}-{part}"
                    known = _known(client, label)
                    batch = _finished(judge, client, label, lines, waiting, known)
                    new = new or known is None
                    replies, faults = _download(judge, client, batch, waiting)
                    for key, reply in replies.items():
                        yield waiting.pop(key), reply
                rounds += new
                if not waiting:
                    return
                if rounds == ROUNDS:
                    break
        except openai.OpenAIError as error:
            raise judge.explain(error) from None
    for key, prompt in waiting.items():
        yield prompt, Reply("", faults.get(key, "") or f"no reply in {ROUNDS} batches")


def _parts(judge: Asker, prompts: list[str]) -> Iterator[dict[str, bytes]]:
    """Yield the lines of each batch, by the key of their reply, within a batch's limits."""
    lines: dict[str, bytes] = {}
    size = 0
    for key, prompt in {judge.replies.key(p): p for p in prompts}.items():
        asked = {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": judge.request(prompt)}
        line = json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if lines and (len(lines) == MOST_REQUESTS or size + len(line) > MOST_BYTES):
            yield lines
            lines, size = {}, 0
        lines[key] = line
        size += len(line)
    if lines:
        yield lines


def _finished(
    judge: Asker,
    client: openai.OpenAI,
    name: str,
    lines: dict[str, bytes],
    waiting: dict[str, str],
    batch: Batch | None,
) -> Batch:
    """Return a known batch when the server is done with it; create it if there is none."""
    if batch is None:
        dollars = sum(judge.budget.most(waiting[key]) for key in lines)
        if not judge.budget.reserve(dollars):
            raise judge.budget.exhausted(judge.name, len(waiting), dollars)
        sent = (f"{name}.jsonl", b"".join(lines.values()))
        uploaded = client.files.create(file=sent, purpose="batch")
        batch = client.batches.create(
            input_file_id=uploaded.id,
            endpoint=ENDPOINT,
            completion_window=WINDOW,
            metadata={NAME: name},
        )
        judge.budget.release(dollars)
    while batch.status not in DONE:
        if batch.status in GONE:
            raise CodealignError(
                f"judge {judge.name!r}: batch {batch.id} {batch.status}; look at it in the "
                "account, then run again to send a new one"
            )
        time.sleep(poll_s)
        batch = client.batches.retrieve(batch.id)
    return batch


def _known(client: openai.OpenAI, name: str) -> Batch | None:
    """Return a batch of this name that the server has or had under way, the newest first."""
    for batch in client.batches.list(limit=100):
        if (batch.metadata or {}).get(NAME) == name and batch.status not in GONE:
            return batch
    return None


def _download(
    judge: Asker, client: openai.OpenAI, batch: Batch, waiting: dict[str, str]
) -> tuple[dict[str, Reply], dict[str, str]]:
    """Book and keep a batch's replies; return them by key, and the faults of failed lines."""
    replies: dict[str, Reply] = {}
    faults: dict[str, str] = {}
    for file in (batch.output_file_id, batch.error_file_id):
        lines = client.files.content(file).content.splitlines() if file else []
        for key, reply in (_read_line(line, judge) for line in lines):
            if key not in waiting:
                continue
            if reply.fault and not reply.prompt_tokens:
                faults[key] = reply.fault
            else:
                judge.budget.book(key, waiting[key], reply)
                judge.replies.keep(key, reply)
                replies[key] = reply
    return replies, faults


def _read_line(line: bytes, judge: Asker) -> tuple[str, Reply]:
    """Return the key of a result line and its reply, or the fault; "" for a line without a key."""
    try:
        result: dict[str, Any] = json.loads(line)
        key, response = str(result["custom_id"]), result["response"] or {}
        status = int(response.get("status_code") or 500)
        error = (response.get("body") or {}).get("error") or {}
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", Reply("", "malformed line")
    if status != 200 or result.get("error"):
        fault = judge.refusal(status, error, judge.request(""), ROUNDS)
        return key, Reply("", fault or f"request failed ({status}) in {ROUNDS} batches")
    try:
        return key, read_reply(response["body"], judge.longest)
    except (Malformed, LookupError):
        return key, Reply("", f"malformed reply in {ROUNDS} batches")
