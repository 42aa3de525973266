"""Typed records, JSON Lines, stable ids, atomic writing.

Stages meet only through these records on disk. An id is a hash of what the record is about, never
of its position, so that a rerun, another batch size or another order gives the same ids and seeds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from codealign.errors import CodealignError

VARIANTS = ("pretrained", "finetuned")
REQUIREMENTS = ("functional", "non_functional")
STAGES = ("base", "sft", "dpo", "bonbon")
DIMENSIONS = ("instruction_following", "readability", "complexity", "style", "explanation")
ALIGNED = STAGES[2:]
"""The stages that align, each from the SFT model."""
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
    """Programming concepts that the model found in a seed; `cut`: their list was longer."""

    id: str
    seed_id: str
    concepts: list[str]
    cut: bool = False


@dataclass(frozen=True)
class Instruction:
    """A task in words made from concepts; `dimension` and `principle` are "" for functional.

    `cut` says that its length limit ended it, most often within a word.
    """

    id: str
    seed_id: str
    text: str
    dimension: str = ""
    principle: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Known:
    """A task whose right answers are known: of the seed function `name`, with hidden tests."""

    name: str
    text: str
    tests: str


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
    """What came of one response with its own tests.

    `verdict` is one of `sandbox.VERDICTS`, `untested` or `unsupported` (see `prefs.testing`);
    `made_by` stands for the code, the tests, the limits and what ran them.
    """

    id: str
    verdict: str
    detail: str
    level: str
    cpu_s: float
    made_by: str = ""


@dataclass(frozen=True)
class Check:
    """Whether the tests with which a response passed can fail; `verdict` as in `prefs.checks`.

    They noticed `noticed` of the `mutants` wrong programs that were tried.
    """

    id: str
    verdict: str
    noticed: int
    mutants: int
    cpu_s: float
    made_by: str = ""


@dataclass(frozen=True)
class Trial:
    """What became of a response's code under the tests of every response to its instruction.

    `verdicts` are by the id of the response that the tests are of.
    """

    id: str
    verdicts: dict[str, str]
    cpu_s: float
    made_by: str = ""


@dataclass(frozen=True)
class Pair:
    """One preference: a chosen and a rejected response to one instruction (see `prefs.rules`).

    `prompt` is the bare task (with its principle, if any); training puts it into the model's own
    format: `prompts.response_prompt` for a pretrained model, a chat message for a finetuned one.
    `chosen_hidden` and `rejected_hidden` are the verdicts of hidden tests, "" where there are none.
    """

    id: str
    instruction_id: str
    prompt: str
    chosen: str
    rejected: str
    dimension: str = ""
    chosen_id: str = ""
    rejected_id: str = ""
    chosen_hidden: str = ""
    rejected_hidden: str = ""

    def exchanged(self) -> Pair:
        """Return the pair the other way round."""
        return dataclasses.replace(
            self, chosen=self.rejected, rejected=self.chosen, chosen_id=self.rejected_id,
            rejected_id=self.chosen_id, chosen_hidden=self.rejected_hidden,
            rejected_hidden=self.chosen_hidden,
        )  # fmt: skip


def label_noise(pairs: Iterable[Pair]) -> float | None:
    """Return the share of the chosen responses that hidden tests refuse; None without such tests.

    A verdict that is no judgement of the response (`sandbox.VERDICTS` that prove nothing) counts as
    refused: it was not shown to be right.
    """
    verdicts = [pair.chosen_hidden for pair in pairs if pair.chosen_hidden]
    return sum(v != "pass" for v in verdicts) / len(verdicts) if verdicts else None


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
    `failures` counts the failing samples by kind, e.g. "wrong 30, timeout 2" (functional scores).
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
    failures: str = ""


Record = TypeVar("Record")


def to_json(record: object) -> str:
    """Return one JSON line (without the newline) for a record or a mapping."""
    data = vars(record) if dataclasses.is_dataclass(record) else record
    text = json.dumps(data, ensure_ascii=False, default=dataclasses.asdict)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, which a server's reply may hold
        return json.dumps(data, default=dataclasses.asdict)
    return text


def from_json(line: str | bytes, cls: type[Record], where: str) -> Record:
    """Build a record from one line; `where` names file and line in the error."""
    try:
        data = json.loads(line)
    except ValueError as error:  # not JSON, or not UTF-8
        raise CodealignError(f"{where}: not a JSON line ({error}); remove or fix it") from error
    if cls is dict:
        return data
    try:
        return cls(**data)
    except TypeError as error:
        raise CodealignError(f"{where}: not a {cls.__name__} record ({error})") from error


def count_lines(path: Path) -> int:
    """Return how many records a JSON Lines file has, without reading any; blank lines are none."""
    # Line by line: the responses of a large run need not fit into memory.
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


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
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield from_json(line, cls, f"{path}:{number}")


@contextmanager
def atomic_file(path: Path | str) -> Iterator[TextIO]:
    """Yield a text file to write that takes the place of `path` when the block ends.

    Readers see the old file or the whole new one; after a failure the old one stays.

    Raises
    ------
    CodealignError
        The disk is full or the place cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> CodealignError:
    """Return the error for a file that could not be written: what, why, what to do."""
    return CodealignError(
        f"{path}: cannot be written ({error.strerror}); free space or fix the place, then run "
        "again: what was finished is kept and the run continues there"
    )


def write_text(path: Path | str, text: str) -> None:
    """Write a text file atomically: readers see the old file or the whole new one."""
    with atomic_file(path) as file:
        file.write(text)


def write_jsonl(path: Path | str, records: Iterable[Any]) -> int:
    """Write records atomically, one at a time; return their number."""
    written = 0
    with atomic_file(path) as file:
        for record in records:
            file.write(to_json(record) + "\n")
            written += 1
    return written
