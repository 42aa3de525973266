"""Programs and results as JSON Lines, for `codealign execute --json`."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO, Any, Literal

from codealign.errors import CodealignError, nearest
from codealign.sandbox.model import Call, Outcome, Program, Result
from codealign.sandbox.pool import Sandbox

NUMBERS = ("cpu_s", "wall_s", "memory_mb", "output_bytes")


def execute_stream(
    lines_in: Iterable[str],
    lines_out: IO[str],
    workers: int = 1,
    accept: Literal["strong", "basic"] = "strong",
) -> dict[str, int]:
    """Run the program of each line; write one line a program; return the count of each verdict.

    Parameters
    ----------
    lines_in : JSON objects with `id` and `code`; `calls` ([name, arguments] each), `cpu_s`,
        `wall_s`, `memory_mb` and `output_bytes` if wanted. Other keys are carried through.
    lines_out : gets `id`, `verdict`, `detail`, `level`, `cpu_s`, `stdout`, `cut`, `outputs`, and
        what was carried.
    workers, accept : as for `Sandbox`.

    Raises
    ------
    CodealignError
        A line is not such an object; names the line. Earlier programs have been run.
    """
    carried: deque[dict[str, Any]] = deque()
    counts: dict[str, int] = {}
    with Sandbox(workers, accept) as sandbox:
        for result in sandbox.run(_programs(lines_in, carried)):
            lines_out.write(_line(result, carried.popleft()))
            lines_out.flush()
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
    return counts


def _line(result: Result, carried: dict[str, Any]) -> str:
    answer = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    answer["outputs"] = [_plain(o) for o in result.outputs]
    return json.dumps({**carried, **answer}) + "\n"


def _plain(outcome: Outcome) -> dict[str, str]:
    return {"error": outcome.error} if outcome.error else {"value": repr(outcome.value)}


def _programs(lines: Iterable[str], carried: deque[dict[str, Any]]) -> Iterator[Program]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        program, rest = parse(line, f"line {number}")
        carried.append(rest)
        yield program


def parse(line: str, where: str) -> tuple[Program, dict[str, Any]]:
    """Return the program on a line, and the keys to be carried through."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise CodealignError(f"{where}: not JSON ({error})") from None
    if not isinstance(data, dict):
        raise CodealignError(f"{where}: expected an object with `id` and `code`")
    for key in ("id", "code"):
        if not isinstance(data.get(key), str):
            raise CodealignError(f"{where}: {key!r} must be a text{nearest(key, list(data))}")
    limits = {key: data.pop(key) for key in NUMBERS if key in data}
    for key, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise CodealignError(f"{where}: {key!r} must be a positive number, found {value!r}")
    calls = [Call(*call) for call in data.pop("calls", [])]
    return Program(data.pop("id"), data.pop("code"), calls, **limits), data
