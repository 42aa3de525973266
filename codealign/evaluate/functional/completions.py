"""A model's completions of a benchmark, kept so that a killed run continues at the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import extract, prompts_for, stops
from codealign.evaluate.resume import resumable
from codealign.generate import Completion, Request, generate, open_engine
from codealign.generate.progress import Progress
from codealign.models import uses_chat
from codealign.params import Generation, Variant
from codealign.records import read_jsonl, stable_id


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
    made_by = stable_id(key, n, *(text for r in asked for text in (r.id, r.prompt)))
    with closing(resumable(Path(path), Sample, made_by)) as file:
        done = {(s.task_id, s.index) for s in file}
        total = len(asked) * n
        with Progress(total, Path(path).parent.name, initial=len(done)) as bar:
            pending = [r for r in asked if any((r.id, i) not in done for i in range(n))]
            for c in generate(pending, n=n, done=done) if pending else ():
                file.append(Sample(f"{c.id}#{c.index}", c.id, c.index, c.text, c.finish))
                bar.took(c)
        wanted = [f"{r.id}#{i}" for r in asked for i in range(n)]
        if missing := [w for w in wanted if w not in file]:
            raise CodealignError(f"completions: the engine gave none for {len(missing)} items")
        file.finish(wanted)
    return list(read_jsonl(path, Sample))


def solutions_of(
    samples: Sequence[Sample], problems: dict[str, Problem], chat: bool
) -> dict[str, list[str]]:
    """Return the solutions in the completions, by task id."""
    found: dict[str, list[str]] = {}
    for sample in samples:
        solution = extract(problems[sample.task_id], sample.completion, chat)
        found.setdefault(sample.task_id, []).append(solution)
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

    def solve(
        self, benchmark: str, problems: dict[str, Problem], folder: Path, n: int
    ) -> dict[str, list[str]]:
        """Return `n` solutions of each problem; completions are kept in `folder`, to continue."""
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
        made = collect_completions(asked, bound, folder / "completions.jsonl", n, repr(self))
        return solutions_of(made, problems, chat)


_opened = cache(open_engine)
"""One engine for all benchmarks of a call: loading a model takes longer than asking it."""
