"""A judge at any server that speaks OpenAI's chat API.

Requests run side by side, at most `in_flight` at once, or all together in OpenAI's Batch API. The
client library repeats a request after a rate limit (waiting as long as the server's Retry-After
says), a server's fault or a lost connection. A reply that was paid for is kept in the cache and
never asked for again, whatever is killed. The key comes from the environment and is written
nowhere.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import openai

from codealign.errors import CodealignError
from codealign.evaluate.judges import KEY, grading
from codealign.evaluate.judges.batches import ask_batches
from codealign.evaluate.judges.replies import Malformed, Replies, Reply, read_reply
from codealign.evaluate.judges.spending import SpendingLimit, estimate, price_of
from codealign.generate import wire
from codealign.prompts import principles
from codealign.records import Answer, Rating, stable_id

MAX_TOKENS, REASONING_TOKENS = 1024, 8192
"""Longest reply, unless another is asked for: of a model that thinks, its thinking included."""
MALFORMED_TRIES = 3
REFUSED = (400, 413, 422)
UNAVAILABLE = (502, 503, 504, 529)
MOST_REFUSED = 5
"""Requests refused one after the other, with no reply at all, after which it is no single one."""


class OpenAIJudge:
    """Rates answers by asking a model of an OpenAI-compatible server, at temperature 0.

    Parameters
    ----------
    model : the model's name at the server; also the judge's name. After `reasoning:` it is asked
        with `max_completion_tokens` and at the server's own temperature.
    base_url : the server, e.g. http://localhost:8000/v1; "" is OpenAI's own.
    in_flight : requests under way at once.
    cache : folder of replies by content hash, and of the ledger; None keeps none.
    batch : use the Batch API (half the price, up to 24 hours) instead of single requests.
    spend_limit : US dollars; the judge stops cleanly before it. 0: no limit.
    price : US dollars per million tokens in and out; (0, 0) takes the listed price.
    answer_first : show the answer before the reference, to examine what the order does.
    retries : how often the client repeats a request that failed for a passing reason.
    timeout_s : seconds a request may take.
    max_tokens : longest reply in tokens; 0: 1024, of a `reasoning:` model 8192.

    Raises
    ------
    CodealignError
        There is a limit and no price.
    """

    asks_again = True
    """An answer that stayed unrated may be rated in the next run: its paid reply costs nothing."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        in_flight: int = 8,
        cache: Path | str | None = None,
        batch: bool = False,
        spend_limit: float = 0.0,
        price: tuple[float, float] = (0.0, 0.0),
        answer_first: bool = False,
        retries: int = 8,
        timeout_s: float = 120.0,
        max_tokens: int = 0,
    ) -> None:
        base_url = base_url or os.environ.get("OPENAI_BASE_URL", "")
        self.model, self.base_url, self.in_flight = model, base_url, in_flight
        self.name = grading.judge_name(model, answer_first)
        self.batch, self.answer_first = batch, answer_first
        self.retries, self.timeout_s = retries, timeout_s
        usual = REASONING_TOKENS if model.startswith(wire.REASONING) else MAX_TOKENS
        self.longest = max_tokens or usual
        self.refused = self.heard = 0
        self.replies = Replies(cache, self.longest, model, base_url, MAX_TOKENS)
        ledger = None if cache is None else Path(cache) / "spending.jsonl"
        self.price = price_of(model.removeprefix(wire.REASONING), base_url, price, batch)
        self.budget = SpendingLimit(spend_limit, self.price, ledger, self.longest)
        rubrics = [grading.rubric_hash(dimension, answer_first) for dimension in principles()]
        self.key = stable_id(model, base_url, MAX_TOKENS, *rubrics, grading.READING)

    def estimate(self, answers: Iterable[Answer]) -> str:
        """Return a line on the requests, tokens, money and time that rating answers will take."""
        prompts = {self.prompt(a) for a in answers}
        missing = [p for p in sorted(prompts) if self.replies.get(self.replies.key(p)) is None]
        paid = len(prompts) - len(missing)
        return estimate(missing, paid, self.price, self.in_flight, self.batch)

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating per answer, as replies come in; answers of one prompt share a request.

        Raises
        ------
        CodealignError
            The server cannot be reached, refuses the key, the model or the quota, or the spending
            limit is reached. What was rated before stays rated; run again to continue.
        """
        waiting: dict[str, list[Answer]] = {}
        for answer in answers:
            waiting.setdefault(self.prompt(answer), []).append(answer)
        kept = {prompt: self.replies.get(self.replies.key(prompt)) for prompt in waiting}
        missing = [prompt for prompt, reply in kept.items() if reply is None]
        for prompt, reply in kept.items():
            if reply is not None:
                yield from self._ratings(waiting[prompt], reply)
        if not missing:
            return
        if self.batch:
            asked = ask_batches(self, missing, list(waiting))
        else:
            asked = _in_thread(partial(self._send_all, missing))
        for prompt, reply in asked:
            yield from self._ratings(waiting[prompt], reply)

    def _ratings(self, answers: list[Answer], reply: Reply) -> Iterator[Rating]:
        for answer in answers:
            yield grading.rating(
                answer,
                self.name,
                reply.text,
                fault=reply.fault,
                cut=reply.longest if reply.cut else 0,
                answer_first=self.answer_first,
            )

    def prompt(self, answer: Answer) -> str:
        """Return what is asked about an answer."""
        return grading.prompt(answer, self.answer_first)

    def request(self, prompt: str) -> dict[str, Any]:
        """Return the body of the request for a prompt."""
        message = {"role": "user", "content": prompt}
        return {**wire.sizes(self.model, self.longest, temperature=0), "messages": [message]}

    def client_options(self) -> dict[str, Any]:
        """Return what a client of the library is opened with; the key goes nowhere else."""
        return {
            "api_key": os.environ.get(KEY) or "none",
            "base_url": self.base_url or None,
            "max_retries": self.retries,
            "timeout": self.timeout_s,
        }

    def explain(self, error: openai.OpenAIError) -> CodealignError:
        """Return the error that says what to do about a fault that concerns every request.

        The server's own words are left out: they may quote the key.
        """
        server, tries = self.base_url or "api.openai.com", self.retries + 1
        status = getattr(error, "status_code", 0)
        what = {
            openai.AuthenticationError: f"refuses the key in {KEY}; check it",
            openai.PermissionDeniedError: "does not allow this model with this key",
            openai.NotFoundError: f"has no model {self.model!r}, or no such address",
            openai.RateLimitError: f"is still limiting or out of quota after {tries} tries; "
            "wait or check the account, then run again",
            openai.InternalServerError: f"is still unavailable ({status}) after {tries} tries; "
            "run again to continue",
            openai.APITimeoutError: f"gave no reply within {self.timeout_s:g} s in {tries} tries; "
            "run again to continue",
            openai.APIConnectionError: "cannot be reached; start it, then run again",
            openai.APIStatusError: f"refuses the requests ({status})",
        }
        known = next(
            (f"{server} {text}" for kind, text in what.items() if isinstance(error, kind)), ""
        )
        reason = wire.long_wait(error, server) or known or type(error).__name__
        return CodealignError(f"judge {self.model!r}: {reason}")

    def refusal(
        self,
        status: int,
        error: Mapping[str, Any] | openai.APIStatusError,
        sent: Iterable[str],
        tries: int,
    ) -> str:
        """Return why one request stays without a reply, or "" if the fault concerns all of them.

        Raises
        ------
        CodealignError
            The server refuses a parameter, or the model, in every request.
        """
        if status in REFUSED:
            if name := wire.refused_parameter(error, sent):
                why = wire.parameter_refusal(self.base_url or "api.openai.com", self.model, name)
                raise CodealignError(
                    f"judge {self.model!r}: {why}; nothing is stored for these answers"
                ) from None
            return f"the server refused the request ({status})"
        single = status >= 500 and status not in UNAVAILABLE
        return f"server error {status} in {tries} tries" if single else ""

    async def _send_all(self, prompts: list[str], results: queue.SimpleQueue) -> None:
        remaining = iter(prompts)
        refused: list[str] = []

        async def work(client: openai.AsyncOpenAI) -> None:
            for prompt in remaining:
                dollars = self.budget.most(prompt)
                if refused or not self.budget.reserve(dollars):
                    refused.append(prompt)
                    return
                results.put((prompt, await self._ask(client, prompt)))
                self.budget.release(dollars)

        async with openai.AsyncOpenAI(**self.client_options()) as client:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.in_flight, len(prompts))):
                    group.create_task(work(client))
        if refused:
            needed = self.budget.most(refused[0])
            raise self.budget.exhausted(self.name, len(refused) + len(list(remaining)), needed)

    async def _ask(self, client: openai.AsyncOpenAI, prompt: str) -> Reply:
        key, asked = self.replies.key(prompt), self.request(prompt)
        for _ in range(MALFORMED_TRIES):
            try:
                raw = await client.chat.completions.with_raw_response.create(**asked)
                reply = read_reply(raw.content, self.longest)
            except Malformed:
                self.budget.book(key, prompt, None)
                continue
            except openai.APIStatusError as error:
                return self._refused(error, asked)
            except openai.OpenAIError as error:
                raise self.explain(error) from None
            self.heard += 1
            self.budget.book(key, prompt, reply)
            self.replies.keep(key, reply)
            return reply
        return Reply("", f"malformed reply in {MALFORMED_TRIES} tries")

    def _refused(self, error: openai.APIStatusError, asked: dict[str, Any]) -> Reply:
        """Return why one request has no reply; raise if the fault concerns all of them."""
        fault = self.refusal(error.status_code, error, asked, self.retries + 1)
        self.refused += bool(fault)
        long_wait = wire.long_wait(error, self.base_url)
        if not fault or long_wait or (self.refused >= MOST_REFUSED and not self.heard):
            raise self.explain(error) from None
        return Reply("", "the prompt does not fit the model" if wire.is_too_long(error) else fault)


def _in_thread(work: Callable[[queue.SimpleQueue], Any]) -> Iterator[tuple[str, Reply]]:
    """Yield what a coroutine puts into its queue, from a thread with an event loop of its own.

    A notebook's thread has a running loop already. Closing the iterator cancels what is under way.
    """
    results: queue.SimpleQueue = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(work(results))
    worker = threading.Thread(target=_run, args=(loop, task, results))
    worker.start()
    try:
        while (result := results.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        loop.call_soon_threadsafe(task.cancel)
        worker.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task, results: queue.SimpleQueue) -> None:
    """Run a task to its end; its end (None) or its error goes behind the results."""
    try:
        loop.run_until_complete(task)
        results.put(None)
    except BaseExceptionGroup as group:
        results.put(group.exceptions[0])
    except BaseException as error:
        results.put(error)
