"""A judge at any server that speaks OpenAI's chat API.

Requests run side by side, at most `in_flight` at once. The client library repeats a request after
a rate limit (waiting as long as the server's Retry-After says), a server's fault or a lost
connection. A reply that was paid for is kept in the cache and never asked for again, whatever is
killed. The key comes from the environment and is written nowhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import openai

from codealign.errors import CodealignError
from codealign.evaluate.judges import grading
from codealign.records import DIMENSIONS, Answer, Rating, stable_id, write_text

KEY = "OPENAI_API_KEY"
MAX_TOKENS = 1024
MALFORMED_TRIES = 3


class OpenAIJudge:
    """Rates answers by asking a model of an OpenAI-compatible server, at temperature 0.

    Parameters
    ----------
    model : the model's name at the server; also the judge's name.
    base_url : the server, e.g. http://localhost:8000/v1; "" is OpenAI's own.
    in_flight : requests under way at once.
    cache : folder of replies by content hash; None keeps none.
    retries : how often the client repeats a request that failed for a passing reason.
    timeout_s : seconds a request may take.

    Raises
    ------
    CodealignError
        OPENAI_API_KEY is not in the environment (a server of one's own may do without).
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        in_flight: int = 8,
        cache: Path | str | None = None,
        retries: int = 8,
        timeout_s: float = 120.0,
    ) -> None:
        base_url = base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not os.environ.get(KEY) and not base_url:
            raise CodealignError(
                f"judge {model!r} needs an API key: set {KEY} in the environment, give the "
                "base_url of a server of your own, or use the judge `static`"
            )
        self.name, self.base_url, self.in_flight = model, base_url, in_flight
        self.cache = Path(cache) if cache is not None else None
        self.retries, self.timeout_s = retries, timeout_s
        rubrics = [grading.rubric_hash(dimension) for dimension in DIMENSIONS]
        self.key = stable_id(model, base_url, MAX_TOKENS, *rubrics)

    def rate(self, answers: Iterable[Answer]) -> Iterator[Rating]:
        """Yield one rating an answer, as replies come in.

        Raises
        ------
        CodealignError
            The server cannot be reached, refuses the key, the model or the quota. What was
            rated before stays rated; run again to continue.
        """
        results: queue.Queue[Rating | BaseException | None] = queue.Queue()
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._rate_all(list(answers), results))
        # A thread of its own, because a notebook's thread has a running event loop already.
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

    async def _rate_all(self, answers: list[Answer], results: queue.Queue) -> None:
        remaining = iter(answers)
        async with openai.AsyncOpenAI(
            api_key=os.environ.get(KEY) or "none",
            base_url=self.base_url or None,
            max_retries=self.retries,
            timeout=self.timeout_s,
        ) as client:

            async def work() -> None:
                for answer in remaining:
                    results.put(await self._rate(client, answer))

            async with asyncio.TaskGroup() as group:
                for _ in range(self.in_flight):
                    group.create_task(work())

    async def _rate(self, client: openai.AsyncOpenAI, answer: Answer) -> Rating:
        prompt = grading.prompt(answer)
        kept = self._cache_path(prompt)
        if kept is not None and kept.is_file():
            return grading.rating(answer, self.name, json.loads(kept.read_text())["reply"])
        reply, fault = await self._ask(client, prompt)
        if fault:
            rubric = grading.rubric_hash(answer.dimension)
            return Rating(answer.id, answer.dimension, self.name, None, fault, rubric)
        if kept is not None:
            write_text(kept, json.dumps({"model": self.name, "reply": reply}) + "\n")
        return grading.rating(answer, self.name, reply)

    def _cache_path(self, prompt: str) -> Path | None:
        if self.cache is None:
            return None
        name = stable_id(self.name, self.base_url, MAX_TOKENS, prompt)
        return self.cache / name[:2] / f"{name}.json"

    async def _ask(self, client: openai.AsyncOpenAI, prompt: str) -> tuple[str, str]:
        """Return the reply and "", or "" and why there is none."""
        for _ in range(MALFORMED_TRIES):
            try:
                completion = await client.chat.completions.create(
                    model=self.name,
                    messages=[{"role": "user", "content": prompt}],
                    temperature=0,
                    max_tokens=MAX_TOKENS,
                )
                return _reply(completion)
            except (openai.APIResponseValidationError, json.JSONDecodeError, _Malformed):
                continue
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                return "", f"the server refused the request ({error.status_code})"
            except openai.InternalServerError as error:
                return "", f"server error {error.status_code} in {self.retries + 1} tries"
            except openai.OpenAIError as error:
                raise CodealignError(self._explain(error)) from None
        return "", f"malformed reply in {MALFORMED_TRIES} tries"

    def _explain(self, error: openai.OpenAIError) -> str:
        """Return what to do; the server's own words are left out, they may quote the key."""
        server = self.base_url or "api.openai.com"
        what = {
            openai.AuthenticationError: f"{server} refuses the key in {KEY}; check it",
            openai.PermissionDeniedError: f"{server} does not allow this model with this key",
            openai.NotFoundError: f"{server} has no model {self.name!r}, or no such address",
            openai.RateLimitError: f"{server} is still limiting or out of quota after "
            f"{self.retries + 1} tries; wait or check the account, then run again",
            openai.APITimeoutError: f"{server} gave no reply within {self.timeout_s:g} s in "
            f"{self.retries + 1} tries; run again to continue",
            openai.APIConnectionError: f"{server} cannot be reached; start it, then run again",
        }
        known = next((text for kind, text in what.items() if isinstance(error, kind)), "")
        return f"judge {self.name!r}: {known or type(error).__name__}"


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task, results: queue.Queue) -> None:
    """Run a task to its end; its end (None) or its error goes behind the results."""
    try:
        loop.run_until_complete(task)
        results.put(None)
    except BaseExceptionGroup as group:
        results.put(group.exceptions[0])
    except BaseException as error:
        results.put(error)


class _Malformed(Exception):
    """The server's reply is not a chat completion."""


def _reply(completion: Any) -> tuple[str, str]:
    """Return the text of a chat completion and "", or "" and why there is none."""
    choices = getattr(completion, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise _Malformed
    message = choices[0].message
    if not message.content:
        refused = getattr(message, "refusal", None)
        return "", "the model refused to judge" if refused else "empty reply"
    return message.content, ""
