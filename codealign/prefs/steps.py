"""What the generated steps of the pipeline share: the callable, stable item ids, the completing."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from codealign.errors import CodealignError
from codealign.generate import Completion, Request, windows
from codealign.generate.progress import Progress
from codealign.params import Generation
from codealign.prompts import template_set
from codealign.records import stable_id
from codealign.resumable import Resumable


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


# Completes the requests of a step in windows, into one file that a killed run continues.

Source = TypeVar("Source")
Made = TypeVar("Made")
TOGETHER = 4096  # completions in memory at once, enough to sort by length and to keep a GPU busy


@dataclass(frozen=True)
class Step(Generic[Source, Made]):
    """A step of the pipeline that a model does.

    Parameters
    ----------
    name : of the step and its file.
    cls : type of the records made.
    work : gives the requests, each beside what it was made from, anew at every call.
    parse : makes a record of a completion and the request's source.
    settings, stop, n : how it is sampled; `n` completions per request.
    total : number of requests, for the progress bar.
    """

    name: str
    cls: type[Made]
    work: Callable[[], Iterator[tuple[Request, Source]]]
    parse: Callable[[Completion, Source], Made]
    settings: Generation
    stop: tuple[str, ...]
    n: int = 1
    total: int | None = None

    def ids(self) -> Iterator[str]:
        """Yield the ids of all records to make, in the order of the work."""
        for request, _ in self.work():
            yield from (made_id(request.id, index) for index in range(self.n))


def sample(step: Step, generate: Generate, folder: Path, seed: int) -> None:
    """Complete what an earlier run has not; write all records in the order of the work.

    One window of requests is in memory at a time; everything else is on disk.

    Raises
    ------
    CodealignError
        The engine left items out; the disk is full.
    """
    with closing(Resumable(folder / f"{step.name}.jsonl", step.cls)) as file:
        total = None if step.total is None else step.total * step.n
        with Progress(total, step.name) as bar:
            for requests in windows(step.work(), max(1, TOGETHER // step.n)):
                _window(step, requests, generate, file, seed, bar)
        file.finish(step.ids())


def _window(
    step: Step,
    requests: list[tuple[Request, Source]],
    generate: Generate,
    file: Resumable,
    seed: int,
    bar: Progress,
) -> None:
    sources = {request.id: source for request, source in requests}
    keys = [(request.id, i) for request, _ in requests for i in range(step.n)]
    done = {key for key in keys if made_id(*key) in file}
    bar.update(len(done))
    pending = [r for r, _ in requests if any((r.id, i) not in done for i in range(step.n))]
    if not pending:
        return
    for completion in generate(
        pending, settings=step.settings, n=step.n, seed=seed, stop=step.stop, done=done
    ):
        file.append(step.parse(completion, sources[completion.id]))
        bar.took(completion)
    missing = sum(made_id(*key) not in file for key in keys)
    if missing:
        raise CodealignError(f"{step.name}: the engine gave no completion for {missing} items")
