"""Text generation behind one interface: transformers, vLLM, any OpenAI-compatible server.

Every sample has its own random seed, made from the item's id and the sample's index. On the
`transformers` engine each step draws one Gumbel number per token of the vocabulary from it and
takes the largest sum with the logits, so an item gets the same sample whatever its place, its batch
and its neighbours. Padding and the batch's shape change the last bits of the logits; where a
choice hangs on them, it is made from the row computed alone (see `local.pick`). That holds for
weights in float32, on one device and with one version of the libraries. In half precision the
rounding is too coarse for it: there a sample may change with the batch. vLLM and servers take the
same seed and document their own guarantee.

Requests are read as they are needed, a bounded number ahead of the completions, so that memory
does not grow with their number (of each request only its id is kept).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol, TypeVar

from codealign.errors import CodealignError
from codealign.params import Generation
from codealign.records import seed_of

Finish = Literal["stop", "length", "overflow", "malformed"]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Request:
    """A prompt to complete; `id` is stable and unique, `prompt` is the text the model reads."""

    id: str
    prompt: str


@dataclass(frozen=True)
class Completion:
    """The `index`-th completion of request `id`, without its prompt.

    `finish` is "stop" (end of text or a stop string, neither is in `text`), "length" (cut at
    `max_new_tokens` or at the end of the model's context) or "overflow" (the prompt alone fills
    the context: nothing was generated and `text` is empty) or "malformed" (a server's replies to
    it could not be read, `text` is empty). `tokens` counts generated tokens,
    0 if the engine does not tell.
    """

    id: str
    index: int
    text: str
    finish: Finish
    tokens: int = 0


@dataclass(frozen=True)
class Completing:
    """One completion to make: what an engine gets. `seed` is in [0, 2**63)."""

    id: str
    index: int
    prompt: str
    seed: int


class Engine(Protocol):
    """What a generation engine offers."""

    def chat(self, content: str) -> str:
        """Return the prompt text for one user message, in the model's chat format."""

    def complete(
        self, jobs: Iterable[Completing], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield one completion per job, in any order; read the jobs a bounded number ahead."""


def generate(
    items: Iterable[Request],
    engine: Engine,
    settings: Generation,
    n: int = 1,
    *,
    seed: int = 0,
    stop: Sequence[str] = (),
    done: Container[tuple[str, int]] = (),
) -> Iterator[Completion]:
    """Yield `n` completions of every item, as they get ready (in no promised order).

    Parameters
    ----------
    items : requests with unique ids; read lazily, so it may be a generator over any number.
    engine : from `open_engine`, or any object with `Engine`'s two methods.
    settings : temperature (0 is greedy), top_p, max_new_tokens, batch_size.
    n : samples per item; must be 1 when greedy.
    seed : the run's seed; with the item's id and the sample's index it seeds each sample.
    stop : strings that end a completion; they are cut off.
    done : (id, index) of completions not wanted again, so that a killed run can continue.

    Raises
    ------
    CodealignError
        `n` > 1 with temperature 0; and, as it comes up, two items with one id or a fault of the
        engine.
    """
    if n > 1 and settings.temperature == 0:
        raise CodealignError(f"generate: {n} greedy samples would be equal; set temperature > 0")
    return engine.complete(_jobs(items, n, seed, done), settings, tuple(stop))


def _jobs(
    items: Iterable[Request], n: int, seed: int, done: Container[tuple[str, int]]
) -> Iterator[Completing]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise CodealignError(f"generate: two requests share the id {item.id!r}")
        seen.add(item.id)
        for index in range(n):
            if (item.id, index) not in done:
                yield Completing(item.id, index, item.prompt, seed_of(seed, item.id, index))


def windows(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`, the last one shorter; reads no further than asked."""
    source = iter(items)
    while window := list(islice(source, size)):
        yield window


def cut_at_stop(text: str, stop: Sequence[str]) -> str | None:
    """Return `text` up to the first stop string in it, or None if there is none."""
    places = [place for s in stop if (place := text.find(s)) >= 0]
    return text[: min(places)] if places else None


def open_engine(
    kind: Literal["transformers", "vllm", "openai"],
    name: str,
    variant: str,
    adapter: str | None = None,
    *,
    base_url: str = "",
) -> Engine:
    """Return the engine of a model of the registry.

    Parameters
    ----------
    kind : "transformers" (this process), "vllm" (this process, a GPU) or "openai" (a server).
    name, variant : as in `models.load`. For a server, `name` is the name it knows the model by
        (`reasoning:<name>` for one that refuses `max_tokens` and temperature, see `ServerEngine`),
        and a finetuned variant is asked through its chat endpoint.
    adapter : folder of a PEFT adapter; a server must have it loaded itself under `name`.
    base_url : the server, e.g. http://localhost:8000/v1; "" is the client library's default.
    """
    if kind == "openai":
        from codealign.generate.server import ServerEngine

        return ServerEngine(name, base_url=base_url, chat=variant == "finetuned")
    if kind == "vllm":
        from codealign.generate.vllm import VllmEngine

        return VllmEngine(name, variant, adapter)
    from codealign.generate.local import LocalEngine
    from codealign.models import load

    return LocalEngine(*load(name, variant, adapter, backend="peft", training=False))
