"""Programs and results as JSON Lines, for `codealign execute --json`."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Literal, NamedTuple

from codealign.errors import CodealignError, nearest
from codealign.sandbox.model import Call, Outcome, Program, Result
from codealign.sandbox.pool import Sandbox

LIMITS = {"cpu_s": 86400, "wall_s": 86400, "memory_mb": 1 << 20, "output_bytes": 1 << 26}
"""Keys that set a limit of the program, and the most that may be asked for."""
WHOLE = ("memory_mb", "output_bytes")
OWN = ("id", "verdict", "detail", "level", "cpu_s", "stdout", "outputs", "cut")
"""Keys of an answer that are its own, in this order; no other key of these names is carried."""
INVALID = "invalid"
"""Stands in place of a verdict where a line is no program; `detail` says why."""


class StreamLine(NamedTuple):
    """What a line asked for; `program` is None if it is not one, and `fault` then says why.

    `id` is the line's own, of whatever JSON type; `carried` its other keys as JSON text, without
    the braces.
    """

    id: Any
    program: Program | None
    carried: str
    fault: str = ""


def execute_stream(
    lines_in: Iterable[str | bytes],
    lines_out: IO[str],
    workers: int = 1,
    accept: Literal["strong", "basic"] = "strong",
    show: Callable[[str], None] = lambda text: None,
) -> dict[str, int]:
    """Run the program of each line; write one line for each; return the count of each verdict.

    Parameters
    ----------
    lines_in : JSON objects with `id` (a text or a number) and `code`; `cpu_s`, `wall_s`,
        `memory_mb`, `output_bytes` and `calls` ([name, arguments] each) if wanted. Other keys are
        carried through. Empty lines are skipped.
    lines_out : gets, in the order of the input, objects with `id`, `verdict`, `detail`, `level`,
        `cpu_s`, `stdout` (errors with it), `outputs` (of the calls), `cut` (whether `stdout` was
        too long), and then what was carried. A line that is no program has the verdict "invalid"
        and does no harm to the rest.
    workers, accept : as for `Sandbox`.
    show : gets one line about the level, before the first program, and one at the end.

    Raises
    ------
    CodealignError
        The level is not accepted.
    """
    counts: dict[str, int] = {}
    with Sandbox(workers, accept) as sandbox:
        show(f"isolation: {sandbox.level} ({sandbox.note})")
        writer = _Writer(lines_out, sandbox.level, counts)
        for result in sandbox.run(writer.programs(lines_in)):
            writer.write(result)
        writer.write_invalid()
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "no programs"
        show(f"{verdicts}; a worker took up to {sandbox.memory_mb} MiB besides its programs")
    return counts


class _Writer:
    """Keeps what was read until its result comes, and writes in the order of the input."""

    def __init__(self, out: IO[str], level: str, counts: dict[str, int]) -> None:
        self.out, self.level, self.counts = out, level, counts
        self.waiting: deque[StreamLine] = deque()

    def programs(self, lines: Iterable[str | bytes]) -> Iterator[Program]:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            line = read(text, f"line {number}")
            self.waiting.append(line)
            if line.program is None:
                self.write_invalid()
            else:
                yield line.program

    def write(self, result: Result) -> None:
        """Write the result of the oldest program that waits."""
        self._put(self.waiting.popleft(), result)
        self.write_invalid()

    def write_invalid(self) -> None:
        """Write the lines without a program that nothing comes before."""
        while self.waiting and self.waiting[0].program is None:
            line = self.waiting.popleft()
            self._put(line, Result("", INVALID, line.fault, self.level, 0.0))

    def _put(self, line: StreamLine, result: Result) -> None:
        answer = {key: getattr(result, key) for key in OWN}
        answer |= {"id": line.id, "outputs": [_plain(o) for o in result.outputs]}
        more = f", {line.carried}" if line.carried else ""
        self.out.write(f"{json.dumps(answer)[:-1]}{more}}}\n")
        self.out.flush()
        self.counts[result.verdict] = self.counts.get(result.verdict, 0) + 1


def _plain(outcome: Outcome) -> dict[str, str]:
    if outcome.error:
        return {"error": outcome.error}
    try:
        return {"value": repr(outcome.value)}
    except (ValueError, RecursionError) as error:  # an integer of too many digits, for one
        return {"error": f"no text for the value: {error}"}


def read(text: str | bytes, where: str) -> StreamLine:
    """Return what a line asks for; `where` names it if it is no program."""
    data: Any = None
    try:
        data = json.loads(text.decode() if isinstance(text, bytes) else text)
        return _line(data, where)
    except CodealignError as error:
        fault = str(error)
    except UnicodeDecodeError as error:
        fault = f"{where}: not UTF-8 ({error})"
    except (ValueError, RecursionError) as error:
        fault = f"{where}: not JSON ({error})"
    return StreamLine(data.get("id") if isinstance(data, dict) else None, None, "", fault)


def _line(data: Any, where: str) -> StreamLine:
    if not isinstance(data, dict):
        raise CodealignError(f"{where}: expected an object with `id` and `code`")
    rest = dict(data)
    own, code = rest.pop("id", None), rest.pop("code", None)
    if isinstance(own, bool) or not isinstance(own, str | int | float):
        raise CodealignError(f"{where}: 'id' must be a text or a number{_hint('id', data)}")
    if not isinstance(code, str):
        raise CodealignError(f"{where}: 'code' must be a text{_hint('code', data)}")
    limits = {key: _limit(key, rest.pop(key), where) for key in LIMITS if key in rest}
    program = Program(str(own), code, _calls(rest.pop("calls", []), where), **limits)
    carried = {key: value for key, value in rest.items() if key not in OWN}
    return StreamLine(own, program, json.dumps(carried)[1:-1])


def _hint(key: str, data: dict[str, Any]) -> str:
    return "" if key in data else nearest(key, list(data))


def _limit(key: str, value: Any, where: str) -> float:
    most = LIMITS[key]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 < value <= most:
        raise CodealignError(
            f"{where}: {key!r} must be a positive number, at most {most}, found {value!r}"
        )
    return math.ceil(value) if key in WHOLE else value


def _calls(value: Any, where: str) -> list[Call]:
    shaped = isinstance(value, list) and all(
        isinstance(c, list) and len(c) == 2 and isinstance(c[0], str) and isinstance(c[1], list)
        for c in value
    )
    if not shaped:
        raise CodealignError(f"{where}: 'calls' must be a list of [function name, [arguments]]")
    return [Call(name, arguments) for name, arguments in value]
