"""A model's samples of benchmarks: asked, kept so that a killed run continues, taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from codealign.errors import CodealignError
from codealign.evaluate.functional.extraction import written
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import (
    Format,
    extract,
    is_asked,
    requests_in,
    with_same_stops,
)
from codealign.evaluate.functional.samples import Samples
from codealign.generate import Completion, Engine, Request, generate
from codealign.generate.progress import Progress
from codealign.params import Generation
from codealign.records import read_jsonl, stable_id
from codealign.resumable import Resumable, resumable


@dataclass(frozen=True)
class Sample:
    """One completion of a problem; `id` is task id and index, `finish` as in `Completion`."""

    id: str
    task_id: str
    index: int
    completion: str
    finish: str


@dataclass(frozen=True)
class Model:
    """A model that solves benchmarks, and how it is asked and sampled.

    Attributes
    ----------
    engine : from `generate.open_engine`, or anything with its two methods.
    chat : whether the model has a chat format.
    settings : temperature (0 is greedy) and sizes.
    seed, n : of the sampling; samples per problem.
    form : how a problem is put (`prompts.requests_in`).
    remote : asked at a server, which takes a message only: no beginning of the answer, and in chat
        no stop strings.
    key : names the model where completions outlive the settings they were made with.
    """

    engine: Engine
    chat: bool
    settings: Generation
    seed: int = 0
    n: int = 1
    form: Format = "own"
    remote: bool = False
    key: str = ""

    def write(
        self, problems: Mapping[str, dict[str, Problem]], folders: Mapping[str, Path]
    ) -> dict[str, Samples]:
        """Return `n` samples of each problem of each benchmark.

        Parameters
        ----------
        problems : by benchmark and task id.
        folders : of each benchmark; gets `completions.jsonl`, from which a killed run continues.
        """
        asked, completed = is_asked(self.form, self.chat), {}
        for stop, names in with_same_stops(problems, asked).items():
            put = {n: requests_in(self.form, problems[n], self.engine, self.chat, not self.remote)
                   for n in names}  # fmt: skip
            bound = partial(
                generate,
                engine=self.engine,
                settings=self.settings,
                seed=self.seed,
                stop=[] if self.remote and self.chat else stop,
            )
            completed |= collect(put, bound, folders, self.n, self.key)
        return {name: self._taken_apart(completed[name], problems[name]) for name in problems}

    def _taken_apart(self, completed: Sequence[Sample], problems: dict[str, Problem]) -> Samples:
        """Return the solutions in completions, and the programs as they were written."""
        asked, samples = is_asked(self.form, self.chat), Samples(n=self.n)
        for one in completed:
            for texts, take in ((samples.solutions, extract), (samples.programs, written)):
                text = take(problems[one.task_id], one.completion, asked)
                texts.setdefault(one.task_id, []).append(text)
        return samples


def collect(
    asked: Mapping[str, Sequence[Request]],
    generate: Callable[..., Iterator[Completion]],
    folders: Mapping[str, Path],
    n: int = 1,
    key: str = "",
) -> dict[str, list[Sample]]:
    """Return `n` completions of each request of several benchmarks, by benchmark.

    All are asked in one call: a short benchmark alone would leave most of a batch empty. Each keeps
    a file of its own, the same whether it is asked alone or with others.

    Parameters
    ----------
    asked : requests of each benchmark; an id may come up in several of them.
    generate : `codealign.generate.generate` with engine, settings, seed and stop strings bound.
    folders : of each benchmark; gets `completions.jsonl`. Completions made under other prompts or
        another `key` are not reused.
    """
    with ExitStack() as stack:
        files: dict[str, Resumable[Sample]] = {}
        for name, some in asked.items():
            made_by = stable_id(key, n, *(text for r in some for text in (r.id, r.prompt)))
            file = resumable(folders[name] / "completions.jsonl", Sample, made_by)
            files[name] = stack.enter_context(closing(file))
        # Of a benchmark asked alone the ids are kept as they are: samples are seeded by them.
        prefix = {name: f"{name}:" if len(asked) > 1 else "" for name in asked}
        done = {
            (f"{prefix[name]}{s.task_id}", s.index) for name, file in files.items() for s in file
        }
        whole = {f"{prefix[name]}{r.id}": (name, r) for name, some in asked.items() for r in some}
        pending = [Request(one, r.prompt) for one, (_, r) in whole.items()
                   if any((one, i) not in done for i in range(n))]  # fmt: skip
        with Progress(len(whole) * n, "completions", initial=len(done)) as bar:
            for c in generate(pending, n=n, done=done) if pending else ():
                name, request = whole[c.id]
                sample = Sample(f"{request.id}#{c.index}", request.id, c.index, c.text, c.finish)
                files[name].append(sample)
                bar.took(c)
        return {name: _finished(files[name], some, n) for name, some in asked.items()}


def _finished(file: Resumable[Sample], asked: Sequence[Request], n: int) -> list[Sample]:
    wanted = [f"{r.id}#{i}" for r in asked for i in range(n)]
    if missing := [w for w in wanted if w not in file]:
        raise CodealignError(f"completions: the engine gave none for {len(missing)} items")
    file.finish(wanted)
    return list(read_jsonl(file.path, Sample))
