"""The public benchmarks through evalplus' and evoeval's own loaders and caches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from codealign.errors import CodealignError

Row = tuple[str, dict[str, Any]]


def rows(benchmark: str) -> Iterator[Row]:
    """Yield place and content of each problem of a public benchmark.

    Raises
    ------
    CodealignError
        The data are not in the cache and cannot be fetched: names the file, where to get it from
        and where to put it.
    """
    if benchmark == "evalperf":
        yield from _evalperf().items()
    elif benchmark.startswith("evoeval_"):
        yield from _evoeval(benchmark).items()
    else:
        yield from _evalplus(benchmark).items()


def _fetch(what: str, url: str, path: str, load: Callable[[], Any]) -> Any:
    """Call a loader; where it fails for want of the file, say what to do."""
    try:
        return load()
    except Exception as error:  # the loaders raise whatever their network library raises
        if os.path.exists(path):
            raise
        raise CodealignError(
            f"{what}: not on this machine and not to be fetched ({error}). Get {url} on a machine "
            f"with network, and put it, decompressed, at {path}; or name it with `--data`."
        ) from None


def _evalplus(benchmark: str, noextreme: bool = False) -> dict[str, Any]:
    """HumanEval+ or MBPP+; MBPP's inputs are left as JSON, as in the file.

    noextreme : without the extreme inputs, as EvalPerf uses them to check that a solution is right.
    """
    from evalplus.data import humaneval, mbpp, utils

    if benchmark == "humaneval":
        name, version = "HumanEvalPlus", humaneval.HUMANEVAL_PLUS_VERSION
        ready: Callable[..., str] = humaneval._ready_human_eval_plus_path
    else:
        name, version = "MbppPlus", mbpp.MBPP_PLUS_VERSION
        ready = mbpp._ready_mbpp_plus_path
    url, path = utils.get_dataset_metadata(name, version, False, noextreme)
    file = _fetch(benchmark, url, path, lambda: ready(noextreme=noextreme))
    return {row["task_id"]: row for row in utils.stream_jsonl(file)}


def _evoeval(benchmark: str) -> dict[str, Any]:
    from evoeval import data

    name = benchmark.replace("evoeval", "EvoEval", 1)
    url, path = data.get_dataset_metadata(name, data.EVOEVAL_VERSION)
    return _fetch(benchmark, url, path, lambda: data.get_evo_eval(name))


def _evalperf() -> dict[str, Any]:
    """EvalPerf's own columns (see `joined`)."""
    from evalplus.data import get_evalperf_data

    return _fetch(
        "evalperf",
        "the data set evalplus/evalperf of the Hugging Face hub",
        os.path.expanduser("~/.cache/huggingface/hub/datasets--evalplus--evalperf"),
        get_evalperf_data,
    )


def joined(tasks: Iterable[Row]) -> Iterator[Row]:
    """Add to EvalPerf's own columns those of the HumanEval+ or MBPP+ problem they belong to.

    Lines that have the tests already (nano's) are left as they are.
    """
    base: dict[str, dict[str, Any]] = {}
    for place, task in tasks:
        if "base_input" not in task and "task_id" in task:
            benchmark = "mbpp" if task["task_id"].startswith("Mbpp/") else "humaneval"
            if benchmark not in base:
                base[benchmark] = _evalplus(benchmark, noextreme=True)
            task = {**base[benchmark].get(task["task_id"], {}), **task}
        yield place, task
