"""The functional benchmarks by name, and how their problems are read.

humaneval, mbpp : EvalPlus' HumanEval+ and MBPP+ (Liu et al. 2023), base and added tests.
evalperf : EvalPerf (Liu et al. 2024), efficiency of correct solutions.
evoeval_* : EvoEval's seven categories (Xia et al. 2024).
others : the project's own, entries of `params/benchmarks.yaml` (`additions`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from codealign.additions import own_benchmarks
from codealign.errors import CodealignError, nearest
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.public import joined, require, rows
from codealign.paths import NANO_DATA
from codealign.texts import lines_of

EVOEVAL = ("difficult", "creative", "subtle", "combine", "tool_use", "verbose", "concise")
BENCHMARKS = ("humaneval", "mbpp", "evalperf", *(f"evoeval_{name}" for name in EVOEVAL))
GROUPS = {"evoeval": tuple(f"evoeval_{name}" for name in EVOEVAL)}
NANO_FILES = {"humaneval": "humaneval_plus", "mbpp": "mbpp_plus"}
REQUIRED = ("task_id", "entry_point", "prompt", "canonical_solution")


def expand(names: list[str]) -> list[str]:
    """Return the benchmarks meant by a list of names, where `evoeval` means its seven categories.

    Raises
    ------
    CodealignError
        A name is not known; gives the nearest.
    """
    benchmarks: list[str] = []
    for name in names:
        if name not in GROUPS:
            _check(name, [*_known(), *GROUPS])
        benchmarks += GROUPS.get(name, (name,))
    return list(dict.fromkeys(benchmarks))


def _known() -> tuple[str, ...]:
    return (*BENCHMARKS, *own_benchmarks())


def _check(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise CodealignError(f"benchmark {name!r} is not known{nearest(name, list(known))}")


def load(
    name: str,
    source: Literal["nano", "public"] = "public",
    data: Path | str | None = None,
    limit: int = 0,
) -> dict[str, Problem]:
    """Read the problems of one benchmark, in the order of their file.

    Parameters
    ----------
    source : "nano" for the embedded problems, "public" for evalplus' and evoeval's own loaders; one
        of the project's own benchmarks is read from its own file.
    data : a local file (`.jsonl` or `.jsonl.gz`) in the benchmark's format, in place of either.
    limit : first problems only; 0 for all.

    Raises
    ------
    CodealignError
        Unknown benchmark; no such file, or a fault in it (names the line); or, without network, the
        file to fetch and where to put it.
    """
    _check(name, _known())
    if data is None and name in own_benchmarks():
        data = own_benchmarks()[name].path
    elif data is None and source == "nano":
        data = NANO_DATA / f"{NANO_FILES.get(name, name)}.jsonl.gz"
    lines = read_rows(Path(data)) if data is not None else rows(name)
    if name == "evalperf":
        lines = joined(lines)
    problems = {p.task_id: p for p in (problem(name, row, place) for place, row in lines)}
    return dict(islice(problems.items(), limit or None))


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and content of each line of a JSON Lines file, compressed or not."""
    if not path.exists():
        raise CodealignError(f"{path}: no such benchmark file")
    try:
        for number, line in lines_of(path):
            if line is None:
                raise CodealignError(f"{path}:{number}: not UTF-8; save the file as UTF-8")
            yield f"{path}:{number}", json.loads(line)
    except (ValueError, RecursionError, EOFError, OSError) as error:
        raise CodealignError(f"{path}: not a benchmark file ({error})") from None


def problem(benchmark: str, row: dict[str, Any], place: str) -> Problem:
    """Build a problem from one line in evalplus', evalperf's or evoeval's format."""
    lacking = [key for key in REQUIRED if key not in row]
    if lacking:
        raise CodealignError(f"{place}: not a {benchmark} problem, lacks {', '.join(lacking)}")
    from_mbpp = row["task_id"].startswith("Mbpp/")
    oracle = "mbpp" if from_mbpp else benchmark.replace("evalperf", "humaneval")
    inputs = row.get("pe_input", [])  # which EvalPerf's data set holds as JSON text
    codes = row.get("reference") or [r["code"] for r in row.get("references", [])]
    # Without scores each reference counts for an equal share.
    scores = row.get("scores") or [100 * (i + 1) / len(codes) for i in range(len(codes))]
    problem = Problem(
        **{key: row[key] for key in REQUIRED},
        base_input=row.get("base_input", []),
        plus_input=row.get("plus_input", []),
        base_expressions=[] if "base_input" in row else row.get("inputs", []),
        atol=row.get("atol", 0),
        oracle=oracle,
        joiner="\n" if benchmark.startswith("evoeval") else "",
        pe_input=json.loads(inputs) if isinstance(inputs, str) else inputs,
        references=list(zip(codes, scores, strict=True)),
    )
    return _as_python(problem) if from_mbpp else problem


def _as_python(problem: Problem) -> Problem:
    """Turn MBPP's JSON inputs into the tuples, sets and complex numbers they stand for."""
    from evalplus.data.mbpp import mbpp_deserialize_inputs

    def convert(inputs: list[list[Any]]) -> list[list[Any]]:
        return [list(i) for i in mbpp_deserialize_inputs(problem.task_id, inputs)]

    return replace(
        problem,
        base_input=convert(problem.base_input),
        plus_input=convert(problem.plus_input),
        pe_input=convert(problem.pe_input),
    )


def guarding(names: Sequence[str] = ("all",)) -> list[str]:
    """Return the benchmarks whose problems are kept out of training data; `all` is every one."""
    return list(_known()) if "all" in names else expand(list(names))


def prompts_of(source: Literal["nano", "public"], names: Sequence[str] = ("all",)) -> Iterator[str]:
    """Yield the prompt of every problem of these benchmarks, to keep them out of training data.

    Raises
    ------
    CodealignError
        Files of public ones are not there and cannot be fetched: all are named before any is read.
    """
    wanted = guarding(names)
    if source == "public":
        require_public(wanted)
    for name in wanted:
        yield from (p.prompt for p in load(name, source).values())


def require_public(names: Sequence[str], guarded: bool = True) -> None:
    """Fetch what is not there of these benchmarks' public files; names all that are unavailable.

    Parameters
    ----------
    guarded : they are wanted to keep their problems out of training data, which can do with fewer.
    """

    def fewer(whole: list[str]) -> str:
        left = ", ".join([*whole, *(n for n in names if n in own_benchmarks())])
        return (
            f"Or do without: `prefs: {{filters: {{benchmarks: [{left}]}}}}` checks seeds against "
            "these alone, which the data card then says."
        )

    def available(whole: list[str]) -> str:
        return f"Or evaluate on what is there: `functional: {{benchmarks: [{', '.join(whole)}]}}`."

    require([n for n in names if n not in own_benchmarks()], fewer if guarded else available)
