"""Generation by any server that speaks the OpenAI interface (vLLM, llama.cpp, Ollama, OpenAI)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from codealign.errors import CodealignError
from codealign.generate import Completing, Completion, cut_at_stop, wire
from codealign.params import Generation

MOST_STOPS = 4  # stop strings that OpenAI takes; other servers take more
MALFORMED_TRIES = 3
TIMEOUT_S = 120.0  # of one attempt
MAX_SEED = 2**31 - 1  # servers commonly keep a seed in 32 bits


class ServerEngine:
    """Asks a server, with several requests under way at once.

    Parameters
    ----------
    model : the name the server knows the model by; after `reasoning:` it is asked with
        `max_completion_tokens` and without temperature, top_p, seed and stop strings.
    base_url : e.g. http://localhost:8000/v1; "" is api.openai.com (or OPENAI_BASE_URL).
    chat : use /chat/completions (an instruction-tuned model) rather than /completions.
    in_flight : requests under way at once.
    retries : of a request that failed in a way that may pass (timeout, rate limit, server fault).
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        chat: bool = False,
        in_flight: int = 8,
        retries: int = 4,
    ) -> None:
        key = os.environ.get("OPENAI_API_KEY", "")
        local = base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not key and not local:
            raise CodealignError(
                "engine openai: no key; set OPENAI_API_KEY, or base_url to a server of your own"
            )
        import openai

        self.model, self.use_chat, self.in_flight = model, chat, in_flight
        self.most_stops = 0 if model.startswith(wire.REASONING) else sys.maxsize
        self.address = local or "https://api.openai.com/v1"
        self.client = openai.OpenAI(
            api_key=key or "none", base_url=self.address, max_retries=retries, timeout=TIMEOUT_S
        )

    def chat(self, content: str) -> str:
        """Return the message itself: the server applies the model's chat format."""
        return content

    def complete(
        self, jobs: Iterable[Completing], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield one completion per job, as answers arrive.

        The first lasting fault ends it with an error, after the answers still under way. A reply
        that is no JSON, three times, is an empty completion ("malformed"), if there are others.
        """
        source, fault = iter(jobs), None
        unread: list[Completion] = []
        heard = False
        with ThreadPoolExecutor(self.in_flight) as pool:
            running: set[Future[Completion]] = set()
            while True:
                free = 0 if fault else self.in_flight - len(running)
                running |= {pool.submit(self._ask, j, settings, stop) for j in islice(source, free)}
                if not running:
                    break
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for answer in ready:
                    if answer.exception() is not None:
                        fault = fault or answer.exception()
                    elif answer.result().finish == "malformed":
                        unread.append(answer.result())
                    else:
                        heard = True
                        yield answer.result()
        if fault:
            raise fault
        if unread and not heard:
            raise CodealignError(f"{self.address}: sends no JSON; is it an OpenAI-like server?")
        yield from unread

    def _ask(self, job: Completing, settings: Generation, stop: Sequence[str]) -> Completion:
        options = wire.sizes(
            self.model,
            settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            seed=job.seed & MAX_SEED,
        )
        for _ in range(MALFORMED_TRIES):
            try:
                reply = self._send(job, options, stop)
                break
            except ValueError:  # status 200, and no JSON in it
                continue
        else:
            return Completion(job.id, job.index, "", "malformed")
        if reply is None:
            return Completion(job.id, job.index, "", "overflow")
        if not getattr(reply, "choices", None):
            raise CodealignError(f"{self.address}: answered request {job.id} without a choice")
        choice = reply.choices[0]
        content = getattr(choice.message, "content", "") if self.use_chat else choice.text
        text = wire.text_of(content)
        ended = cut_at_stop(text, stop)
        finish = "length" if choice.finish_reason == "length" and ended is None else "stop"
        tokens = (reply.usage.completion_tokens or 0) if reply.usage else 0
        return Completion(job.id, job.index, text if ended is None else ended, finish, tokens)

    def _send(self, job: Completing, options: dict[str, Any], stop: Sequence[str]) -> Any:
        """Return the server's reply; None if the prompt does not fit into the model's context.

        A server that takes fewer stop strings gets fewer from then on: the others are cut here.
        """
        import openai

        stops = list(stop[: self.most_stops])
        sent = {**options, **({"stop": stops} if stops else {})}
        try:
            if self.use_chat:
                messages = [{"role": "user", "content": job.prompt}]
                return self.client.chat.completions.create(messages=messages, **sent)
            return self.client.completions.create(prompt=job.prompt, **sent)
        except openai.APIConnectionError as error:
            raise CodealignError(f"{self.address}: no answer ({error}); is it running?") from error
        except openai.AuthenticationError as error:
            raise CodealignError(f"{self.address}: key refused; check OPENAI_API_KEY") from error
        except openai.NotFoundError as error:
            raise CodealignError(f"{self.address}: no model {self.model!r} ({error})") from error
        except openai.APIStatusError as error:
            if wire.is_too_long(error):
                return None
            name = wire.refused_parameter(error, sent) if error.status_code in (400, 422) else ""
            if name == "stop":
                self._fewer_stops(len(stops))
                return self._send(job, options, stop)
            advice = wire.long_wait(error, self.address)
            if name:
                advice = wire.parameter_refusal(self.address, self.model, name)
            raise CodealignError(
                advice or f"{self.address}: request {job.id} failed: {error}"
            ) from error

    def _fewer_stops(self, sent: int) -> None:
        """Send fewer stop strings than the server has refused: four, as OpenAI takes, or none."""
        most = MOST_STOPS if sent > MOST_STOPS else 0
        if most < self.most_stops:
            self.most_stops = most
            print(f"{self.address}: refuses {sent} stop strings (`stop`); more than {most} are cut "
                  "here", file=sys.stderr)  # fmt: skip
