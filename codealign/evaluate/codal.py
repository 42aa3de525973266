"""CODAL: problems of five dimensions, a model's answers, their ratings and the scores.

CODAL-Bench (Weyssow et al. 2024, arXiv:2403.09032) has 500 problems, 100 for each dimension. The
public data set `coseal/codal-bench` (split `test`) has the columns `instruction`, `preference` and
one column `<model>_response` for each model whose answers may serve as reference.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.additions import own_dimension
from codealign.errors import CodealignError, nearest
from codealign.evaluate.judges import Judge
from codealign.generate import Completion, Request, cut_at_stop
from codealign.generate.progress import Progress
from codealign.paths import NANO, NANO_DATA
from codealign.progress import Bar
from codealign.prompts import principle_for, response_prompt, task_text
from codealign.records import DIMENSIONS, Answer, Rating, from_json, read_jsonl, stable_id
from codealign.resumable import resumable
from codealign.texts import lines_of

REFERENCES = ("reference", "gpt-3.5-turbo_response", "gpt-4_response", "gpt-4-turbo_response")
# What our response format puts behind an answer: a model's own tests, or the next task.
STOP = ("### Tests", "### Instruction")


@dataclass(frozen=True)
class CodalProblem:
    """A CODAL problem; `principle` is the line that tells the model what its dimension wants."""

    id: str
    dimension: str
    instruction: str
    principle: str
    reference: str


def load_problems(
    data: str, limit: int = 0, reference: str = "", own: Sequence[str] = ()
) -> list[CodalProblem]:
    """Return the problems of a data set, dimension by dimension.

    Parameters
    ----------
    data : `nano` (embedded), a local file (.jsonl or .jsonl.gz) or a data set of the hub.
    limit : the first problems of each dimension only; 0 is all.
    reference : column of the reference answers; "" takes `reference` or the first known model's.
    own : dimensions of the project, whose problems are in files of their own.

    Raises
    ------
    CodealignError
        No such file or data set, a missing column, or an unknown dimension.
    """
    path = NANO_DATA / "codal.jsonl.gz" if data == NANO else Path(data)
    local = data == NANO or path.suffix in (".jsonl", ".gz")
    rows = list(_read_file(path) if local else _read_hub(data))
    problems = list(_problems(rows, data, reference))
    if not problems:
        raise CodealignError(f"{data}: no CODAL problems in it")
    by_dimension = {d: [p for p in problems if p.dimension == d] for d in DIMENSIONS}
    for name in own:
        path = own_dimension(name).path
        asked = [{**row, "dimension": name} for row in _read_file(path)]
        by_dimension[name] = list(_problems(asked, str(path), reference, (name,)))
    return [p for group in by_dimension.values() for p in group[: limit or None]]


def _read_file(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise CodealignError(f"{path}: no such file of CODAL problems")
    for number, line in lines_of(path):
        if line is None:
            raise CodealignError(f"{path}:{number}: not UTF-8; save the file as UTF-8")
        yield from_json(line, dict, f"{path}:{number}")


def _read_hub(name: str) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(name, split="test")
    except (OSError, ValueError) as error:
        raise CodealignError(
            f"data set {name!r} could not be loaded ({error}); give `nano`, a .jsonl file, or "
            "download it where there is a network: codealign needs it in the local cache"
        ) from error


def _problems(
    rows: Sequence[dict[str, Any]],
    data: str,
    reference: str,
    dimensions: Sequence[str] = DIMENSIONS,
) -> Iterator[CodalProblem]:
    seen: Counter[str] = Counter()
    for row in rows:
        dimension = _column(row, ("dimension", "preference"), data).replace("-", "_")
        if dimension not in dimensions:
            hint = nearest(dimension, list(dimensions))
            raise CodealignError(f"{data}: dimension {dimension!r}{hint}")
        text = _column(row, ("instruction",), data)
        same = stable_id("codal", dimension, text)
        seen[same] += 1
        item_id = row.get("id") or (same if seen[same] == 1 else stable_id(same, seen[same]))
        yield CodalProblem(
            id=str(item_id),
            dimension=dimension,
            instruction=text,
            principle=row.get("principle") or principle_for(dimension, str(item_id)),
            reference=_column(row, (reference,) if reference else REFERENCES, data, "_response"),
        )


def _column(row: dict[str, Any], names: Sequence[str], data: str, ending: str = "") -> str:
    """Return the first of the named columns, or else the first whose name has the ending."""
    also = [name for name in sorted(row) if ending and len(names) > 1 and name.endswith(ending)]
    for name in (*names, *also):
        if row.get(name) is not None:
            return str(row[name])
    raise CodealignError(f"{data}: no column {' or '.join(names)}; it has {', '.join(row)}")


def collect_answers(
    problems: Sequence[CodalProblem],
    generate: Callable[..., Iterator[Completion]],
    path: Path | str,
    key: str = "",
    chat: Callable[[str], str] | None = None,
) -> list[Answer]:
    """Return the model's answer to each problem; a killed run continues at the record.

    Parameters
    ----------
    generate : `codealign.generate.generate` with engine, settings, seed and `stop=STOP` bound;
        called with one request per problem, its id the problem's.
    path : file of the answers; answers made under other prompts or another `key` are not reused.
    key : what names the model and the way of sampling.
    chat : puts one user message into the model's chat format (`engine.chat`); None for a
        pretrained model, which gets the plain response format.
    """
    by_id, wrap = {p.id: p for p in problems}, chat or response_prompt
    asked = [Request(p.id, wrap(task_text(p.instruction, p.principle))) for p in problems]
    made_by = stable_id(key, *(text for r in asked for text in (r.id, r.prompt)))
    with closing(resumable(Path(path), Answer, made_by)) as file:
        pending = [r for r in asked if r.id not in file]
        with Progress(len(asked), "answers", initial=len(file)) as bar:
            for completion in generate(pending) if pending else ():
                file.append(_answer(by_id[completion.id], completion.text))
                bar.took(completion)
        missing = [r.id for r in asked if r.id not in file]
        if missing:
            raise CodealignError(f"answers: the engine gave no completion for {len(missing)} items")
        file.finish(r.id for r in asked)
    return list(read_jsonl(path, Answer))


def _answer(problem: CodalProblem, text: str) -> Answer:
    ended = cut_at_stop(text, STOP)
    return Answer(
        id=problem.id,
        dimension=problem.dimension,
        instruction=problem.instruction,
        principle=problem.principle,
        reference=problem.reference,
        text=(text if ended is None else ended).strip("\n"),
    )


def rate(answers: Sequence[Answer], judge: Judge, path: Path | str) -> list[Rating]:
    """Return the judge's rating of each answer, in the answers' order.

    A killed run continues at the record; ratings of other answers or of another rubric are not
    reused. A judge that keeps its replies is asked again about answers that stayed unrated: what
    kept them so may have passed.
    """
    content = [json.dumps([a.id, a.instruction, a.principle, a.reference, a.text]) for a in answers]
    with closing(resumable(Path(path), Rating, stable_id(judge.key, *content))) as file:
        if getattr(judge, "asks_again", False):
            for unrated in [r.id for r in file if r.rating is None]:
                file.forget(unrated)
        pending = [a for a in answers if a.id not in file]
        name = f"ratings ({judge.name})"
        with Bar(total=len(answers), initial=len(file), desc=name, leave=False) as bar:
            for rating in judge.rate(pending) if pending else ():
                file.append(rating)
                bar.update()
        file.finish(a.id for a in answers)
    return list(read_jsonl(path, Rating))
