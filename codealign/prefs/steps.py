"""What the generated steps of the pipeline share: the generating callable, and stable item ids."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from codealign.generate import Completion, Request
from codealign.params import Generation
from codealign.prompts import template_set
from codealign.records import stable_id


class Generate(Protocol):
    """`codealign.generate.generate` with its engine bound: `partial(generate, engine=engine)`."""

    def __call__(
        self,
        items: Iterable[Request],
        *,
        settings: Generation,
        n: int = 1,
        seed: int = 0,
        stop: Sequence[str] = (),
        done: Container[tuple[str, int]] = (),
    ) -> Iterator[Completion]:
        """Yield `n` completions of every item, in any order."""


def made_id(request_id: str, index: int) -> str:
    """Return the id of the record read from the `index`-th completion of a request."""
    return stable_id(request_id, index)


@dataclass(frozen=True)
class Recipe:
    """Everything besides its input that decides a generated item; part of the item's id.

    A changed word in a template, another temperature or another model gives other ids, so that an
    older run's items are never taken for this run's.

    `model` names the generating model (and its version), `seed` is the run's seed, `templates` the
    set of prompts (see `prompts.template_set`), `chat` what puts a prompt into the model's chat
    format (None: a base model, which gets it as it is).
    """

    model: str
    seed: int
    templates: str = "bare"
    chat: Callable[[str], str] | None = None

    def request_id(self, step: str, source_id: str, prompt: str, settings: Generation) -> str:
        """Return the id of the request that `step` makes of the record `source_id`."""
        sampling = (settings.temperature, settings.top_p, settings.max_new_tokens)
        return stable_id(step, source_id, prompt, *sampling, self.model, self.seed)

    def prompt(self, step: str, dimension: str = "", **fields: str) -> str:
        """Return the step's template for a dimension ("" for functional), filled.

        Raises
        ------
        CodealignError
            No such template, or it lacks a field or has one too many; the model has no chat
            template.
        """
        text = template_set(self.templates).pick(step, dimension).fill(**fields)
        return self.chat(text) if self.chat else text
