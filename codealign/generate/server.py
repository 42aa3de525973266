"""Generation by any server that speaks the OpenAI interface (vLLM, llama.cpp, Ollama, OpenAI)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from codealign.errors import CodealignError
from codealign.generate import Completion, Job
from codealign.params import Generation

TOO_LONG, TOO_LONG_WORDS = "context_length_exceeded", "maximum context length"
"""How OpenAI (by code) and vLLM (in words) say that a prompt is too long."""
MAX_SEED = 2**31 - 1  # servers commonly keep a seed in 32 bits


class ServerEngine:
    """Asks a server, with several requests under way at once.

    Parameters
    ----------
    model : the name the server knows the model by.
    base_url : e.g. http://localhost:8000/v1; "" is api.openai.com (or OPENAI_BASE_URL).
    chat : use /chat/completions (an instruction-tuned model) rather than /completions.
    in_flight : requests under way at once.
    retries : of a request that failed in a way that may pass (timeout, rate limit, server fault).
    timeout_s : of one attempt.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        chat: bool = False,
        in_flight: int = 8,
        retries: int = 4,
        timeout_s: float = 120.0,
    ) -> None:
        import openai

        key = os.environ.get("OPENAI_API_KEY", "")
        local = base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not key and not local:
            raise CodealignError(
                "engine openai: no key; set OPENAI_API_KEY, or base_url to a server of your own"
            )
        self.model, self.use_chat, self.in_flight = model, chat, in_flight
        self.address = local or "https://api.openai.com/v1"
        self.client = openai.OpenAI(
            api_key=key or "none", base_url=self.address, max_retries=retries, timeout=timeout_s
        )

    def chat(self, content: str) -> str:
        """Return the message itself: the server applies the model's chat format."""
        return content

    def complete(
        self, jobs: Iterable[Job], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield one completion a job, as answers arrive.

        The first lasting fault ends it with an error, after the answers still under way.
        """
        source, fault = iter(jobs), None
        with ThreadPoolExecutor(self.in_flight) as pool:
            running: set[Future[Completion]] = set()
            while True:
                free = 0 if fault else self.in_flight - len(running)
                running |= {pool.submit(self._ask, j, settings, stop) for j in islice(source, free)}
                if not running:
                    break
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for answer in ready:
                    if answer.exception() is None:
                        yield answer.result()
                    fault = fault or answer.exception()
        if fault:
            raise fault

    def _ask(self, job: Job, settings: Generation, stop: Sequence[str]) -> Completion:
        options: dict[str, Any] = {
            "model": self.model,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_new_tokens,
            "seed": job.seed & MAX_SEED,
        }
        if stop:
            options["stop"] = list(stop)
        reply = self._send(job, options)
        if reply is None:
            return Completion(job.id, job.index, "", "overflow")
        if not getattr(reply, "choices", None):
            raise CodealignError(f"{self.address}: answered request {job.id} without a choice")
        choice = reply.choices[0]
        text = choice.message.content if self.use_chat else choice.text
        finish = "length" if choice.finish_reason == "length" else "stop"
        tokens = reply.usage.completion_tokens if reply.usage else 0
        return Completion(job.id, job.index, text or "", finish, tokens)

    def _send(self, job: Job, options: dict[str, Any]) -> Any:
        """Return the server's reply; None if the prompt does not fit into the model's context."""
        import openai

        try:
            if self.use_chat:
                messages = [{"role": "user", "content": job.prompt}]
                return self.client.chat.completions.create(messages=messages, **options)
            return self.client.completions.create(prompt=job.prompt, **options)
        except openai.APIConnectionError as error:
            raise CodealignError(f"{self.address}: no answer ({error}); is it running?") from error
        except openai.AuthenticationError as error:
            raise CodealignError(f"{self.address}: key refused; check OPENAI_API_KEY") from error
        except openai.NotFoundError as error:
            raise CodealignError(f"{self.address}: no model {self.model!r} ({error})") from error
        except openai.APIStatusError as error:
            if error.code == TOO_LONG or TOO_LONG_WORDS in str(error).lower():
                return None
            raise CodealignError(f"{self.address}: request {job.id} failed: {error}") from error
