"""One evaluation as the command line asks for it: problems, samples of a file or a model, summary.

`evoeval` stands for its seven categories: their data and samples are then folders with a file for
each (`EvoEval_difficult.jsonl`, `.jsonl.gz`, or `evoeval_difficult.jsonl`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.functional.completions import Model
from codealign.evaluate.functional.efficiency import Measure
from codealign.evaluate.functional.evaluation import evaluate_all
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import expand, load
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.samples import Samples, read_samples
from codealign.paths import NANO, NANO_DATA
from codealign.sandbox import Sandbox

Problems = dict[str, Problem]


@dataclass(frozen=True)
class Asked:
    """What to evaluate.

    Parameters
    ----------
    benchmark : a name of the registry, or `evoeval` for its seven categories.
    data : file (for `evoeval` a folder) of the problems, `nano` for the embedded ones, "" for
        evalplus' and evoeval's own loaders.
    samples : file (for `evoeval` a folder) of samples, `nano` for the shipped two of `humaneval`;
        "" if a model writes them.
    n : samples per problem; 0 is one from a model, and what the file mostly has.
    limit : first problems only; 0 is all.
    partial : accept a samples file with faults.
    cpu_s : CPU seconds that a problem's tests may use together.
    measure : what EvalPerf counts.
    """

    benchmark: str
    data: str = ""
    samples: str = ""
    n: int = 0
    limit: int = 0
    partial: bool = False
    cpu_s: float = 60.0
    measure: Measure = "auto"


def run(
    asked: Asked, sandbox: Sandbox, model: Callable[[], Model] | None, cache: Path | None, out: Path
) -> dict[str, Any]:
    """Evaluate; return the summary (see `summary`, and `together` for several benchmarks).

    Parameters
    ----------
    model : opens the model that writes the samples, asked for when the problems are there; None if
        there is a samples file.
    cache : folder for expected outputs.
    out : folder for samples and results; of several benchmarks each has a folder in it.
    """
    names = expand([asked.benchmark])
    several = len(names) > 1
    how = {"cpu_s": asked.cpu_s, "measure": asked.measure, "cache": cache}
    summaries = []
    for name in names:
        started, folder = time.monotonic(), {name: out / name if several else out}
        problems, samples = _given(asked, name, several)
        source = model() if model else {name: samples}
        results = evaluate_all({name: problems}, source, folder, sandbox, **how)
        summaries.append(summary(results[name], samples, time.monotonic() - started))
    return together(asked.benchmark, summaries) if several else summaries[0]


def _given(asked: Asked, name: str, several: bool) -> tuple[Problems, Samples]:
    """Return the problems of a benchmark, and the samples of a file (none: a model writes them)."""
    given = _samples(asked.samples, name, several)
    if asked.samples and not given.is_file():  # before the problems may be downloaded
        raise CodealignError(f"{given}: no such samples file")
    every = _load(name, asked.data, several)
    problems = {t: every[t] for t in list(every)[: asked.limit or None]}
    if not asked.samples:
        return problems, Samples()
    beyond = set(every) - set(problems)
    return problems, read_samples(given, problems, asked.n, asked.partial, beyond=beyond)


def _load(name: str, data: str, several: bool) -> Problems:
    if data == NANO:
        return load(name, source="nano")
    if not data:
        return load(name)
    return load(name, data=_inside(data, name) if several else data)


def _samples(given: str, name: str, several: bool) -> Path:
    """The samples file of a benchmark; `nano`: the two shipped ones, to try the command on."""
    if given == NANO:
        return NANO_DATA / f"{name}_samples.jsonl"
    return _inside(given, name) if several and given else Path(given)


def _inside(folder: str, name: str) -> Path:
    """The file of one category in a folder."""
    stems = (name.replace("evoeval", "EvoEval"), name)
    files = [Path(folder) / f"{stem}{end}" for stem in stems for end in (".jsonl", ".jsonl.gz")]
    for file in files:
        if file.exists():
            return file
    raise CodealignError(
        f"{folder}: holds neither {files[0].name} nor {files[2].name}; `evoeval` needs a folder "
        f"with one file per category, or name one category, e.g. {name}"
    )


def summary(results: Results, samples: Samples, seconds: float) -> dict[str, Any]:
    """What the command prints as JSON.

    benchmark, n : name; problems that were scored.
    missing : problems that could not be scored (no sample, or only sandbox errors).
    scores : `base`, and `plus` where there are added tests: `pass@k` for k of 1, 10, 100 that no
        scored problem has fewer samples than; EvalPerf also has `dps` and `dps_norm` (percent).
    samples : how many were run; `failures` : of them by kind; `faults` : lines of the file that
        were not samples, by kind, each named.
    measure : what EvalPerf counted; `unmeasured` : why, by task, correct samples have no score;
    `level` : of the sandbox; `seconds` : wall time.
    """
    tasks = [*results.attempts, *results.missing]
    n = sum(results.pass_at_k(task_id, 1) is not None for task_id in tasks)
    return {
        "benchmark": results.benchmark,
        "n": n,
        "missing": len(tasks) - n,
        "scores": results.suites(),
        "seconds": round(seconds, 3),
        "samples": sum(map(len, results.attempts.values())),
        "failures": results.failures,
        "faults": samples.faults,
        "level": results.level,
        **(_measured(results) if results.measure else {}),
    }


def _measured(results: Results) -> dict[str, Any]:
    unmeasured = {
        task_id: next(e.reason for e in costs if e.dps is None)
        for task_id, costs in results.efficiency.items()
        if any(e.dps is None for e in costs)
    }
    return {"measure": results.measure, "unmeasured": unmeasured}


def together(benchmark: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of several benchmarks: sums, means of the scores all have, and the `parts`."""
    keys = {
        (suite, metric)
        for suite, rates in parts[0]["scores"].items()
        for metric in (rates if isinstance(rates, dict) else ())
        if all(metric in part["scores"].get(suite, {}) for part in parts)
    }
    scores: dict[str, dict[str, float]] = {}
    for suite, metric in sorted(keys):
        values = [part["scores"][suite][metric] for part in parts]
        scores.setdefault(suite, {})[metric] = sum(values) / len(values)
    sums = {key: sum(part[key] for part in parts) for key in ("n", "missing", "seconds")}
    return {"benchmark": benchmark, **sums, "scores": scores, "parts": parts}
