"""A model's completions of a benchmark, kept so that a killed run continues at the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

from codealign.errors import CodealignError
from codealign.evaluate.functional.extraction import written
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import extract, prompts_for, stops
from codealign.evaluate.functional.samples import Samples
from codealign.evaluate.resume import resumable
from codealign.generate import Completion, Request, generate, open_engine
from codealign.generate.progress import Progress
from codealign.models import uses_chat
from codealign.params import Generation, Variant
from codealign.records import read_jsonl, stable_id
from codealign.registry import identity
from codealign.resumable import Resumable


@dataclass(frozen=True)
class Sample:
    """One completion of a problem; `id` is task id and index, `finish` as in `Completion`."""

    id: str
    task_id: str
    index: int
    completion: str
    finish: str


def collect_completions(
    asked: Sequence[Request],
    generate: Callable[..., Iterator[Completion]],
    path: Path | str,
    n: int = 1,
    key: str = "",
) -> list[Sample]:
    """Return `n` completions of each request, in their order.

    Parameters
    ----------
    asked : from `prompts.prompts_for`.
    generate : `codealign.generate.generate` with engine, settings, seed and stop strings bound.
    path : file of the completions; those made under other prompts or another `key` are not reused.
    key : what names the model and the way of sampling.
    """
    with closing(_file(asked, Path(path), n, key)) as file:
        done = {(s.task_id, s.index) for s in file}
        total = len(asked) * n
        with Progress(total, Path(path).parent.name, initial=len(done)) as bar:
            pending = [r for r in asked if any((r.id, i) not in done for i in range(n))]
            for c in generate(pending, n=n, done=done) if pending else ():
                file.append(Sample(f"{c.id}#{c.index}", c.id, c.index, c.text, c.finish))
                bar.took(c)
        return _finished(file, asked, n)


def collect_together(
    asked: Mapping[str, Sequence[Request]],
    generate: Callable[..., Iterator[Completion]],
    folder: Path,
) -> dict[str, list[Sample]]:
    """Return the greedy completion of each request of several benchmarks, by benchmark.

    All are asked in one call: a short benchmark alone would leave most of a batch empty. Each keeps
    its own file, as by `collect_completions`.

    Parameters
    ----------
    asked : requests of each benchmark; an id may come up in several of them.
    generate : as for `collect_completions`, greedy, with stop strings that serve all of them.
    folder : gets `<benchmark>/completions.jsonl`.
    """
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(closing(_file(some, folder / name / "completions.jsonl")))
            for name, some in asked.items()
        }
        every = [(name, r) for name, some in asked.items() for r in some]
        pending = [
            Request(f"{name}:{r.id}", r.prompt)
            for name, r in every
            if f"{r.id}#0" not in files[name]
        ]
        with Progress(len(every), "completions", initial=len(every) - len(pending)) as bar:
            for c in generate(pending) if pending else ():
                name, task_id = c.id.split(":", 1)
                files[name].append(Sample(f"{task_id}#0", task_id, 0, c.text, c.finish))
                bar.took(c)
        return {name: _finished(files[name], some) for name, some in asked.items()}


def _file(asked: Sequence[Request], path: Path, n: int = 1, key: str = "") -> Resumable[Sample]:
    made_by = stable_id(key, n, *(text for r in asked for text in (r.id, r.prompt)))
    return resumable(path, Sample, made_by)


def _finished(file: Resumable[Sample], asked: Sequence[Request], n: int = 1) -> list[Sample]:
    wanted = [f"{r.id}#{i}" for r in asked for i in range(n)]
    if missing := [w for w in wanted if w not in file]:
        raise CodealignError(f"completions: the engine gave none for {len(missing)} items")
    file.finish(wanted)
    return list(read_jsonl(file.path, Sample))


def solutions_of(
    samples: Sequence[Sample], problems: dict[str, Problem], chat: bool
) -> dict[str, list[str]]:
    """Return the solutions in the completions, by task id."""
    return _each(samples, lambda s: extract(problems[s.task_id], s.completion, chat))


def programs_of(
    samples: Sequence[Sample], problems: dict[str, Problem], chat: bool
) -> dict[str, list[str]]:
    """Return the programs in the completions as they were written, by task id."""
    return _each(samples, lambda s: written(problems[s.task_id], s.completion, chat))


def _each(samples: Sequence[Sample], text_of: Callable[[Sample], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sample in samples:
        found.setdefault(sample.task_id, []).append(text_of(sample))
    return found


@dataclass(frozen=True)
class Model:
    """A model that solves benchmarks, and how it is sampled.

    Parameters
    ----------
    name, variant, adapter, engine, base_url : as in `generate.open_engine`.
    settings : temperature (0 is greedy) and sizes.
    """

    name: str
    variant: Variant
    adapter: str | None
    engine: Literal["transformers", "vllm", "openai"]
    base_url: str
    settings: Generation
    seed: int

    def solve(self, benchmark: str, problems: dict[str, Problem], folder: Path, n: int) -> Samples:
        """Return `n` samples of each problem; completions are kept in `folder`, to continue."""
        remote = self.engine == "openai"
        chat = self.variant == "finetuned" if remote else uses_chat(self.name, self.variant)
        engine = _opened(self.engine, self.name, self.variant, self.adapter, base_url=self.base_url)
        asked = prompts_for(problems, engine.chat if chat else None, begun=not remote)
        bound = partial(
            generate,
            engine=engine,
            settings=self.settings,
            seed=self.seed,
            stop=[] if chat and remote else stops(benchmark, chat),
        )
        weights = "" if remote else identity(self.name, self.variant)
        key = repr(self) + weights.removeprefix(self.name)
        made = collect_completions(asked, bound, folder / "completions.jsonl", n, key)
        solutions, programs = (of(made, problems, chat) for of in (solutions_of, programs_of))
        return Samples(solutions, n=n, programs=programs)


_opened = cache(open_engine)
"""One engine for all benchmarks of a call: loading a model takes longer than asking it."""
