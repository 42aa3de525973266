"""Everything that a run needs and this machine lacks, reported at once, before the first job.

Each check asks what the job itself would ask later: the same function, so that nothing passes here
and is refused there, or the other way round.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil

from codealign.additions import own_benchmarks
from codealign.doctor import GIB, Need, isolation
from codealign.errors import CodealignError
from codealign.evaluate.functional.registry import expand, guarding, load, require_public
from codealign.params import Codal, Functional, Prefs, Survey, validate
from codealign.paths import PROJECT, short_name
from codealign.prefs.ratings import needs_judge
from codealign.registry import source, spec, unavailable, weights_here
from codealign.workflow import causes
from codealign.workflow.memory import memory_of
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job
from codealign.workflow.work import job_training, parameters_of

FLOAT32 = 4
"""Bytes of a weight on a CPU."""


def preflight(jobs: Sequence[Job], root: Path, local: bool = True) -> Iterator[Need]:
    """Yield a finding for each thing that these jobs need.

    Public benchmarks that are not here are fetched, as the run would; nothing else is written.

    Parameters
    ----------
    root : the run's folder.
    local : the jobs run on this machine; on a cluster its nodes have other memory and isolation.
    """
    yield from _models(jobs, local)
    yield from _graphics_memory(jobs)
    yield from _engines(jobs, local)
    yield from _data(jobs)
    yield from _judges(jobs)
    yield from _given_files(jobs)
    if local:
        yield from _sandbox(jobs)
    yield _disk(jobs, root)


def require(jobs: Sequence[Job], root: Path, local: bool = True) -> int:
    """Return how many checks were made; all that is missing is one error.

    Raises
    ------
    CodealignError
        Names everything that is missing, each with how to get it.
    """
    findings = list(preflight(jobs, root, local))
    if lacking := [one for one in findings if not one.ok]:
        listed = "\n".join(
            f"{one.name}: {one.state}" + f"\n-> {one.advice}" * bool(one.advice) for one in lacking
        )
        counted = f"{len(lacking)} of {len(findings)} checks say no"
        raise CodealignError(f"before the first job, {counted}:\n{indent(listed, '  ')}")
    return len(findings)


def _tried(name: str, look: Callable[[], str]) -> Need:
    """Return a finding of what `look` finds; its error says what to do."""
    try:
        return Need(name, True, look())
    except CodealignError as error:
        return Need(name, False, str(error))


def _settings(jobs: Iterable[Job], section: str, cls: type[Any]) -> list[Any]:
    """Return the different settings that jobs have in a section."""
    given = [job.parameters[section] for job in jobs if section in job.parameters]
    different = {repr(one): one for one in given}
    return [validate(cls, one, section) for one in different.values()]


def _models(jobs: Iterable[Job], local: bool) -> Iterator[Need]:
    wanted: dict[tuple[str, Any], None] = {}
    for given in (job.parameters for job in jobs if "model" in job.parameters):
        prefs = given.get("prefs", {})
        if prefs.get("engine") != "openai":
            wanted[given["model"], given.get("variant") or prefs["variant"]] = None
    for name, variant in wanted:
        look = lambda n=name, v=variant: _model(n, v)  # noqa: E731
        yield _tried(f"model {short_name(name)} {variant}", look)
    if local:
        others = dict.fromkeys(name for name, _ in wanted if not spec(name).embedded)
        yield from (_memory(name) for name in others)


def _model(name: str, variant: Any) -> str:
    where, revision = source(name, variant)
    if spec(name).embedded:
        return "shipped"
    from codealign.checks import check

    checked = check(name, variant)
    checked.require()
    if not weights_here(where, revision):
        if os.environ.get("HF_HUB_OFFLINE"):
            raise CodealignError(unavailable(where, OSError("not in the cache")))
        size = 2 * checked.parameters / 1e9
        return f"{checked.line()}; fetched by the first job, about {size:,.1f} GB"
    return checked.line()


def _memory(name: str) -> Need:
    """Compare a model's weights with the memory that they must fit into."""
    what = f"memory for {short_name(name)}"
    try:
        size = parameters_of(name)
    except CodealignError as error:
        return Need(what, True, "not known", better=str(error))
    from torch import cuda

    gpu = cuda.is_available()
    has = cuda.get_device_properties(0).total_memory if gpu else psutil.virtual_memory().total
    needs = size * (2 if gpu else FLOAT32)
    sizes = f"{needs / GIB:.2f} GiB of weights, {has / GIB:.0f} GiB of {'GPU ' * gpu}memory"
    smaller = "take a smaller model, or a machine with more (`codealign plan` says how much)"
    return Need(what, needs < has, sizes, smaller)


def _graphics_memory(jobs: Sequence[Job]) -> Iterator[Need]:
    """Yield each step whose estimate, which is one from above, is beyond its device."""
    for one in memory_of(jobs):
        if not one.fits:
            sizes = f"up to {one.total / GIB:.1f} GiB of the {one.limit / GIB:.1f} of {one.device}"
            advice = "a smaller batch_size, gradient_checkpointing or lora.quantize takes less"
            name = f"GPU memory of {one.step}"
            yield Need(name, one.weights < one.limit, sizes, advice, better=advice)


def _engines(jobs: Sequence[Job], local: bool) -> Iterator[Need]:
    """Yield what generation and training are done with."""
    from codealign.train import trackers

    sampling = _settings(jobs, "prefs", Prefs)
    if any(one.engine == "vllm" for one in sampling) and local:
        yield Need("vllm", _installed("vllm"), "engine of the preference data",
                   "pip install --no-deps vllm, or engine: transformers")  # fmt: skip
    for url in {one.base_url for one in sampling if one.engine == "openai"}:
        yield _tried("server", lambda url=url: _server(url))
    training = [job_training(job) for job in jobs if NOTEBOOKS[job.notebook].trains]
    if any(one.backend == "unsloth" for one in training) and local:
        yield Need("unsloth", _installed("unsloth"), "backend of the training",
                   "`make install`, or backend: peft")  # fmt: skip
    if any(one.lora.quantize for one in training) and local:
        from torch import cuda

        yield Need("GPU", cuda.is_available(), "for 4-bit weights", "set lora.quantize: false")
    if reported := sorted({name for one in training for name in one.report_to}):
        names = ", ".join(reported)
        yield _tried("trackers", lambda: trackers.require(reported) or names)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _server(url: str) -> str:
    from codealign.generate import open_engine

    return open_engine("openai", "preflight", "finetuned", base_url=url).address


def _data(jobs: Sequence[Job]) -> Iterator[Need]:
    """Yield templates, corpora, benchmarks and the problems of CODAL."""
    from codealign.evaluate.codal import load_problems
    from codealign.prompts import template_set

    sampling, tested = _settings(jobs, "prefs", Prefs), _settings(jobs, "functional", Functional)
    for name in dict.fromkeys(one.templates for one in sampling):
        yield _tried("templates", lambda name=name: str(template_set(name).folder.name))
    for one in {one.corpus: one for one in sampling if not one.embedded}.values():
        yield _tried("corpus", lambda one=one: _corpus(one))
    yield from _benchmarks([one for one in sampling if not one.embedded], tested)
    for one in _settings(jobs, "codal", Codal):
        ask = lambda o=one: len(load_problems(o.data, o.limit, own=o.dimensions))  # noqa: E731
        yield _tried("CODAL problems", lambda ask=ask, one=one: f"{ask()} of {one.data}")


def _corpus(settings: Prefs) -> str:
    """Open a corpus; of a data set the first file is read."""
    from codealign.prefs.sources import PREFIX, corpus_folder, hub_modules

    if settings.corpus.startswith(PREFIX):
        first = hub_modules(settings.corpus.removeprefix(PREFIX), settings.hub, Counter())
        next(first, None)
        return settings.corpus
    return str(corpus_folder(settings.corpus))


def _benchmarks(sampling: Sequence[Prefs], tested: Sequence[Functional]) -> Iterator[Need]:
    """Yield the benchmarks that seeds are held against, and of those tested what these lack."""
    kept_out = guarding([n for one in sampling for n in one.filters.benchmarks]) if sampling else []
    if kept_out:
        what = "benchmarks kept out of the training data"
        yield _tried(what, lambda: require_public(kept_out) or ", ".join(kept_out))
    for one in tested:
        names = expand(one.benchmarks)
        if one.embedded or not set(names) <= set(kept_out):
            yield _tried("benchmarks", lambda one=one, names=names: _problems(one, names))


def _problems(settings: Functional, names: list[str]) -> str:
    if not settings.embedded:
        require_public(names, guarded=False)
    for name in names if settings.embedded else own_benchmarks().keys() & set(names):
        load(name, settings.data, limit=1)
    return ", ".join(names)


def _judges(jobs: Iterable[Job]) -> Iterator[Need]:
    """Yield each judge: its key, or the model that it is."""
    asked: dict[str, dict[str, Any]] = {}
    for job in jobs:
        if "codal" in job.parameters:
            rating = validate(Codal, job.parameters["codal"], job.name)
            asked |= {name: rating.asking() for name in (rating.judge, rating.second_judge) if name}
        if "prefs" in job.parameters:
            pairs = validate(Prefs, job.parameters["prefs"], job.name).pairs
            if pairs.judge and needs_judge(pairs, job.parameters["requirement"]):
                asked[pairs.judge] = pairs.asking()
    for name, how in asked.items():
        yield _tried(f"judge {name}", lambda name=name, how=how: _judge(name, how))


def _judge(name: str, how: dict[str, Any]) -> str:
    from codealign.evaluate.judges import ANSWER_FIRST, open_judge

    model = name.removeprefix(ANSWER_FIRST)
    if model.startswith("local:"):  # its weights are not loaded to look at it
        return _model(model.removeprefix("local:"), "finetuned")
    open_judge(name, **how)
    return "can be asked"


def _given_files(jobs: Iterable[Job]) -> Iterator[Need]:
    for one in _settings(jobs, "survey", Survey):
        for key in ("answers", "human_ratings"):
            if place := getattr(one, key):
                there = Path(place).is_file() or (PROJECT / place).is_file()
                yield Need(f"survey.{key}", there, place, "no such file; correct the path")


def _sandbox(jobs: Iterable[Job]) -> Iterator[Need]:
    accepted = {
        job.parameters[section]["sandbox"]
        for job in jobs for section in ("prefs", "functional") if section in job.parameters
    }  # fmt: skip
    if accepted:
        yield isolation("strong" if "strong" in accepted else "basic")


def _disk(jobs: Sequence[Job], root: Path) -> Need:
    full = causes.full_disk(root, jobs)
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free, needed = shutil.disk_usage(place).free, causes.needed_space(jobs)
    about = f", needs about {needed / 1e9:,.1f}" if needed else ""
    space = full or f"{free / 1e9:,.1f} GB free at {root}{about}"
    advice = "free space and run the same command again"
    return Need("disk", not full and free > needed, space, advice)
