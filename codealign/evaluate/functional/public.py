"""The public benchmarks through evalplus' and evoeval's own loaders and caches."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from codealign.errors import CodealignError

Row = tuple[str, dict[str, Any]]
TIMEOUT_S = 30.0
"""How long a server may keep a loader waiting, which itself sets no limit."""


@dataclass(frozen=True)
class PublicFile:
    """A file that a benchmark's loader reads.

    Parameters
    ----------
    name : of the benchmark. url : where it is from. path : where the loader looks for it.
    load : the loader; it fetches the file if it is not there.
    remedy : what to do where it cannot be fetched.
    """

    name: str
    url: str
    path: str
    load: Callable[[], Any]
    remedy: str

    @property
    def there(self) -> bool:
        return os.path.exists(self.path)


def files(benchmark: str) -> list[PublicFile]:
    """Return the files of a public benchmark, its own first."""
    if benchmark == "evalperf":
        return [_evalperf(), *(_evalplus(n, noextreme=True) for n in ("humaneval", "mbpp"))]
    return [_evoeval(benchmark) if benchmark.startswith("evoeval_") else _evalplus(benchmark)]


def _released(benchmark: str, url: str, path: str, load: Callable[[], Any]) -> PublicFile:
    advice = f"Get {url} on a machine with network, and put it, decompressed, at {path}"
    return PublicFile(benchmark, url, path, load, advice)


def require(benchmarks: Iterable[str], else_do: Callable[[list[str]], str] | None = None) -> None:
    """Fetch every file of these benchmarks that is not on this machine.

    Parameters
    ----------
    else_do : is told the benchmarks that are whole, and says how to go on with those alone.

    Raises
    ------
    CodealignError
        Some cannot be fetched: all are named at once, each with where it is from and belongs.
    """
    wanted = {name: files(name) for name in benchmarks}
    absent = {f.path: f for some in wanted.values() for f in some if not f.there}
    lost, why = _fetch(absent.values())
    if not lost:
        return
    paths = {f.path for f in lost}
    whole = [name for name, some in wanted.items() if not paths & {f.path for f in some}]
    head = f"benchmarks: not on this machine and not to be fetched ({why}):"
    more = else_do(whole) if else_do else "Or name a file with `--data`."
    raise CodealignError("\n".join([head, *(f"  {f.name}: {f.remedy}" for f in lost), more]))


def _fetch(absent: Iterable[PublicFile]) -> tuple[list[PublicFile], str]:
    """Fetch files; return those that are unavailable, and the first reason.

    A server that does not answer is not asked again; one that lacks a file is.
    """
    silent: set[str] = set()
    lost, why = [], ""
    for file in absent:
        host = urlsplit(file.url).netloc
        error = None if host in silent else _fetched(file)
        if host in silent or error is not None:
            lost.append(file)
            why = why or " ".join(str(error).split())
            silent |= set() if isinstance(error, HTTPError) else {host}
    return lost, why


def _fetched(file: PublicFile) -> Exception | None:
    """Fetch a file; return what kept it from being fetched, or None."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        file.load()
    except Exception as error:  # the loaders raise whatever their network library raises
        return error
    finally:
        socket.setdefaulttimeout(before)
    return None


def rows(benchmark: str) -> Iterator[Row]:
    """Yield place and content of each problem of a public benchmark.

    Raises
    ------
    CodealignError
        The data are not in the cache and cannot be fetched: names the file, where to get it from
        and where to put it.
    """
    own = files(benchmark)[0]
    require([benchmark])
    yield from own.load().items()


def _evalplus(benchmark: str, noextreme: bool = False) -> PublicFile:
    """HumanEval+ or MBPP+; MBPP's inputs are left as JSON, as in the file.

    noextreme : without the extreme inputs, as EvalPerf uses them to check that a solution is right.
    """
    from evalplus.data import humaneval, mbpp, utils

    if benchmark == "humaneval":
        name, version = "HumanEvalPlus", humaneval.HUMANEVAL_PLUS_VERSION
        ready: Callable[..., str] = humaneval._ready_human_eval_plus_path
        own = humaneval.HUMANEVAL_OVERRIDE_PATH
    else:
        name, version = "MbppPlus", mbpp.MBPP_PLUS_VERSION
        ready, own = mbpp._ready_mbpp_plus_path, mbpp.MBPP_OVERRIDE_PATH
    url, path = utils.get_dataset_metadata(name, version, False, noextreme)

    def load() -> dict[str, Any]:
        return {row["task_id"]: row for row in utils.stream_jsonl(ready(noextreme=noextreme))}

    return _released(benchmark, url, own or path, load)


def _evoeval(benchmark: str) -> PublicFile:
    from evoeval import data

    name = benchmark.replace("evoeval", "EvoEval", 1)
    url, path = data.get_dataset_metadata(name, data.EVOEVAL_VERSION)
    own = data.EVOEVAL_OVERRIDE_PATH
    path = os.path.join(own, f"{name}.jsonl") if own else path
    return _released(benchmark, url, path, lambda: data.get_evo_eval(name))


def _evalperf() -> PublicFile:
    """EvalPerf's own columns (see `joined`); a data set of the hub, kept by `datasets`."""
    from datasets import config
    from evalplus.data import get_evalperf_data

    folder = os.path.join(config.HF_DATASETS_CACHE, "evalplus___evalperf")
    call = "from evalplus.data import get_evalperf_data as get; get()"
    advice = (
        f'Run python -c "{call}" on a machine with network, and copy what is then in its '
        f"~/.cache/huggingface/datasets/evalplus___evalperf to {folder}"
    )
    url = "https://huggingface.co/datasets/evalplus/evalperf"
    return PublicFile("evalperf", url, folder, get_evalperf_data, advice)


def joined(tasks: Iterable[Row]) -> Iterator[Row]:
    """Add to EvalPerf's own columns those of the HumanEval+ or MBPP+ problem they belong to.

    Lines that have the tests already (nano's) are left as they are.
    """
    base: dict[str, dict[str, Any]] = {}
    for place, task in tasks:
        if "base_input" not in task and "task_id" in task:
            benchmark = "mbpp" if task["task_id"].startswith("Mbpp/") else "humaneval"
            if benchmark not in base:
                file = _evalplus(benchmark, noextreme=True)
                if not file.there and (error := _fetched(file)) is not None:
                    raise CodealignError(f"{error}; {file.remedy}")
                base[benchmark] = file.load()
            task = {**base[benchmark].get(task["task_id"], {}), **task}
        yield place, task
