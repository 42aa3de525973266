"""Typed records, JSON Lines, stable ids, atomic and resumable writing.

Stages meet only through these records on disk. An id is a hash of what the record is about, never
of its position, so that a rerun, another batch size or another order gives the same ids and seeds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from codealign.errors import CodealignError

VARIANTS = ("pretrained", "finetuned")
REQUIREMENTS = ("functional", "non_functional")
STAGES = ("base", "sft", "dpo", "bonbon")
DIMENSIONS = ("instruction_following", "readability", "complexity", "style", "explanation")
PATHWAY = {"pretrained": "PTA", "finetuned": "FTA"}


def _digest(parts: tuple[object, ...]) -> bytes:
    text = json.dumps([str(p) for p in parts], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def stable_id(*parts: object) -> str:
    """Return 16 hexadecimal digits that depend on the text of `parts` alone."""
    return _digest(parts).hex()[:16]


def seed_of(*parts: object) -> int:
    """Return a seed in [0, 2**63) that depends on the text of `parts` alone."""
    return int.from_bytes(_digest(parts)[:8], "big") >> 1


@dataclass(frozen=True)
class Seed:
    """A function taken from source code; `path` is relative to the corpus, `line` 1-based."""

    id: str
    code: str
    name: str
    docstring: str
    path: str
    line: int


@dataclass(frozen=True)
class Concepts:
    """Programming concepts that the model found in a seed."""

    id: str
    seed_id: str
    concepts: list[str]


@dataclass(frozen=True)
class Instruction:
    """A task in words made from concepts; `dimension` and `principle` are "" for functional."""

    id: str
    seed_id: str
    text: str
    dimension: str = ""
    principle: str = ""


@dataclass(frozen=True)
class Response:
    """The `index`-th sampled answer to an instruction, with the code and tests found in it."""

    id: str
    instruction_id: str
    index: int
    text: str
    code: str
    tests: str
    finish: str


@dataclass(frozen=True)
class Execution:
    """What the sandbox said of one response; `verdict` is one of `sandbox.VERDICTS`."""

    id: str
    verdict: str
    detail: str
    level: str
    cpu_s: float


@dataclass(frozen=True)
class Pair:
    """One preference: the chosen response passed its tests, the rejected one did not.

    `prompt` is the bare task (with its principle, if any); training puts it into the model's own
    format: `prompts.response_prompt` for a pretrained model, a chat message for a finetuned one.
    """

    id: str
    instruction_id: str
    prompt: str
    chosen: str
    rejected: str
    dimension: str = ""
    chosen_id: str = ""
    rejected_id: str = ""


@dataclass(frozen=True)
class Answer:
    """A model's answer to a CODAL problem."""

    id: str
    dimension: str
    instruction: str
    principle: str
    reference: str
    text: str


@dataclass(frozen=True)
class Rating:
    """A judge's rating of an answer, 1 to 10, or None with the reason why it is unrated."""

    id: str
    dimension: str
    judge: str
    rating: float | None
    reason: str
    rubric: str
    parts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """One row of the tidy score table; `value` is in the metric's own unit.

    `n` items went into `value`; `missing` items could not be scored and are not in it. `low` and
    `high` bound the 95 % interval, named in `interval`. `source` is `paper` or the run's profile.

    `requirement` is that of the benchmark. Where a run has several seeds, cross-evaluation or
    ablations, `seed` is the training's, `trained` the requirement the model was trained for ("":
    the benchmark's) and `ablation` the name of the varied settings ("": none, a main cell).
    """

    source: str
    model: str
    variant: str
    requirement: str
    stage: str
    benchmark: str
    metric: str
    value: float
    n: int
    missing: int = 0
    low: float | None = None
    high: float | None = None
    interval: str = ""
    seed: int = 0
    trained: str = ""
    ablation: str = ""


Record = TypeVar("Record")


def to_json(record: object) -> str:
    """Return one JSON line (without the newline) for a record or a mapping."""
    data = dataclasses.asdict(record) if dataclasses.is_dataclass(record) else record
    return json.dumps(data, ensure_ascii=False)


def from_json(line: str, cls: type[Record], where: str) -> Record:
    """Build a record from one line; `where` names file and line in the error."""
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise CodealignError(f"{where}: not a JSON line ({error}); remove or mend it") from error
    if cls is dict:
        return data
    try:
        return cls(**data)
    except TypeError as error:
        raise CodealignError(f"{where}: not a {cls.__name__} record ({error})") from error


def read_jsonl(path: Path | str, cls: type[Record]) -> Iterator[Record]:
    """Yield the records of a JSON Lines file; pass `dict` for plain mappings.

    Raises
    ------
    CodealignError
        The file is missing, or a line is not such a record (names file and line).
    """
    path = Path(path)
    if not path.exists():
        raise CodealignError(f"{path}: no such file; run the stage that writes it first")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield from_json(line, cls, f"{path}:{number}")


def write_text(path: Path | str, text: str) -> None:
    """Write a text file atomically: readers see the old file or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_jsonl(path: Path | str, records: Iterable[Any]) -> int:
    """Write records atomically; return their number."""
    lines = [to_json(r) + "\n" for r in records]
    write_text(path, "".join(lines))
    return len(lines)


class Resumable(Generic[Record]):
    """An append-only JSON Lines file that a killed run continues, down to the record.

    Records land in `<path>.partial`; a torn last line is dropped on opening; `finish` renames the
    file to `path`. Records need an `id`.

    Parameters
    ----------
    path : where the finished file goes. If it exists already, its records count as done.
    cls : record type.
    """

    def __init__(self, path: Path | str, cls: type[Record]) -> None:
        self.path = Path(path)
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not self.partial.exists():
            os.replace(self.path, self.partial)
        self._drop_torn_line()
        found = read_jsonl(self.partial, cls) if self.partial.exists() else ()
        self.done: dict[str, Record] = {r.id: r for r in found}
        self._file = self.partial.open("a", encoding="utf-8")

    def _drop_torn_line(self) -> None:
        if not self.partial.exists():
            return
        data = self.partial.read_bytes()
        if data and not data.endswith(b"\n"):
            self.partial.write_bytes(data[: data.rfind(b"\n") + 1])

    def append(self, record: Record) -> None:
        """Append one record, unless its id is there already; flushed to the operating system."""
        if record.id in self.done:
            return
        self._file.write(to_json(record) + "\n")
        self._file.flush()
        self.done[record.id] = record

    def finish(self, order: Iterable[str] | None = None) -> list[Record]:
        """Close the file, rename it to `path`, and return its records.

        Parameters
        ----------
        order : ids in the wanted order; records of other ids are left out. None keeps the order
            of arrival.
        """
        self._file.close()
        records = list(self.done.values()) if order is None else [self.done[i] for i in order]
        write_jsonl(self.path, records)
        self.partial.unlink()
        return records

    def close(self) -> None:
        """Close without finishing; the next `Resumable` on this path continues."""
        self._file.close()
