"""Completes the requests of a step in windows, into one file that a killed run continues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from codealign.errors import CodealignError
from codealign.generate import Completion, Request, windows
from codealign.generate.progress import Progress
from codealign.params import Generation
from codealign.prefs.steps import Generate, made_id
from codealign.resumable import Resumable

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
