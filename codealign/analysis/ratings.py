"""Ratings of a run's answers, by its judges and by people, and how more of them are got.

A rating sheet is a sample of the answers for people, as CSV and as a page that needs no server.
Answers are drawn at random within each dimension, over all models and stages alike. Whose answer it
is stays hidden: a sheet shows a blind id, and the order is shuffled. The page keeps its progress in
the browser and exports the CSV that `survey.human_ratings` takes.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codealign.analysis.agreement import read_human_ratings
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.evaluate.codal import rate
from codealign.evaluate.judges import Judge
from codealign.paths import DATA, FURTHER_RATINGS, RunPaths
from codealign.prompts import template
from codealign.records import DIMENSIONS, Answer, Rating, read_jsonl, seed_of, stable_id, write_text

FIRST, SECOND, MORE = "ratings.jsonl", "ratings_second.jsonl", FURTHER_RATINGS
ANSWERS = "answers.jsonl"
SHEET, PAGE = "rating_sheet.csv", "rating_sheet.html"
NO_ANSWERS = "no CODAL answers in it; run `05_codal` first"


@dataclass(frozen=True, kw_only=True)
class CellRating(Rating):
    """A rating with the evaluated model whose answer it is about, and the problem answered."""

    cell: Cell
    problem: str


def codal_folders(run_root: Path | str) -> Iterator[tuple[Cell, Path]]:
    """Yield each evaluated model and its folder of CODAL answers and ratings, without ablations."""
    for part in RunPaths(Path(run_root)).parts():
        for folder in sorted(part.root.glob("evals/*/*/non_functional/*/codal")):
            if not part.ablation:
                yield Cell.parse(folder.parent.relative_to(part.top).as_posix()), folder


def item_id(cell: Cell, problem: str = "") -> str:
    """Return the id of a model's answer to a problem: `<model>/<variant>/<stage>/<problem>`.

    Where a run has several seeds, that of a trained model begins with `seed<n>/`.
    """
    seed = [] if cell.seed is None else [f"seed{cell.seed}"]
    return "/".join([*seed, cell.model, cell.variant, cell.stage, *[problem] * bool(problem)])


def read_ratings(run_root: Path | str, name: str = FIRST) -> list[CellRating]:
    """Read a judge's ratings of every evaluated model, all seeds; ids are those of `item_id`.

    Parameters
    ----------
    name : of the judge's file; `MORE` matches those of all judges added later.
    """
    return [
        CellRating(**{**vars(rating), "id": item_id(cell, rating.id)}, cell=cell, problem=rating.id)
        for cell, folder in codal_folders(run_root)
        for file in sorted(folder.glob(name))
        for rating in read_jsonl(file, Rating)
    ]


def read_judges(run_root: Path | str) -> dict[str, list[CellRating]]:
    """Read the ratings of every judge of a run: the first, the second, then those added later."""
    by_judge: dict[str, list[CellRating]] = {}
    for name in (FIRST, SECOND, MORE):
        for rating in read_ratings(run_root, name):
            by_judge.setdefault(rating.judge, []).append(rating)
    return by_judge


def _answers(run_root: Path | str) -> list[tuple[Cell, Path, list[Answer]]]:
    """Read each evaluated model's answers; ids are those of the problems."""
    return [
        (cell, folder, list(read_jsonl(folder / ANSWERS, Answer)))
        for cell, folder in codal_folders(run_root)
        if (folder / ANSWERS).exists()
    ]


def read_judged(run_root: Path | str) -> list[Answer]:
    """Read the answers of every evaluated model; ids are those of `read_ratings`."""
    return [
        dataclasses.replace(answer, id=item_id(cell, answer.id))
        for cell, _, answers in _answers(run_root)
        for answer in answers
    ]


def blind_id(item_id: str) -> str:
    """Return the id under which a rating sheet shows an answer: it says nothing about the model."""
    return stable_id("rating sheet", item_id)


def human_ratings(run_root: Path | str, path: Path | str) -> list[Rating]:
    """Read people's ratings; ids of a rating sheet are turned back into those of `read_ratings`.

    Raises
    ------
    CodealignError
        As `agreement.read_human_ratings`.
    """
    known = {blind_id(r.id): r.id for r in read_ratings(run_root)}
    return [
        dataclasses.replace(rating, id=known.get(rating.id, rating.id))
        for rating in read_human_ratings(path)
    ]


def reference_and_judges(
    run_root: Path | str, human: str = ""
) -> tuple[str, Sequence[Rating], dict[str, list[CellRating]]]:
    """Return what judges are held against (its name and ratings), and the judges.

    People if there is a file of their ratings; otherwise the run's own judge, and then the other
    judges are held against it.
    """
    judges = read_judges(run_root)
    if human:
        return "human", human_ratings(run_root, human), judges
    first = next(iter(judges), "")
    return first, judges.pop(first, []), judges


def plain_name(judge: str) -> str:
    """Return a judge's name as it stands in names of files."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", judge)


def estimate_run(run_root: Path | str, judge: Judge) -> str:
    """Return a line on what rating all answers of a run will take."""
    answers = read_judged(run_root)
    if not answers:
        raise CodealignError(f"{run_root}: {NO_ANSWERS}")
    return judge.estimate(answers)


def judge_run(run_root: Path | str, judge: Judge) -> Iterator[str]:
    """Let a further judge rate the answers of every evaluated model; yield a line for each.

    Ratings go beside the run's own, into `ratings_of_<judge>.jsonl`; the run's scores stay as they
    are. What was rated before is not rated again.

    Raises
    ------
    CodealignError
        The run has no answers, or the judge is one of the run's own two.
    """
    if judge.name in {r.judge for name in (FIRST, SECOND) for r in read_ratings(run_root, name)}:
        raise CodealignError(f"judge {judge.name!r} is one of this run's own, it has rated already")
    by_cell = _answers(run_root)
    if not by_cell:
        raise CodealignError(f"{run_root}: {NO_ANSWERS}")
    for cell, folder, answers in by_cell:
        ratings = rate(answers, judge, folder / MORE.replace("*", plain_name(judge.name)))
        unrated = sum(r.rating is None for r in ratings)
        yield f"{item_id(cell)}: {len(ratings) - unrated} rated by {judge.name}, {unrated} unrated"


def draw(answers: Sequence[Answer], per_dimension: int, seed: int) -> list[Answer]:
    """Return a random sample of answers, `per_dimension` of each (or all there are), shuffled.

    Which are drawn depends on their ids and the seed, not on their order; of equal answers to one
    problem only one is drawn.
    """
    drawn: list[Answer] = []
    for dimension in DIMENSIONS:
        distinct = {(a.instruction, a.text): a for a in answers if a.dimension == dimension}
        ordered = sorted(distinct.values(), key=lambda a: seed_of("sheet", seed, a.id))
        drawn += ordered[:per_dimension]
    random.Random(seed_of("sheet order", seed)).shuffle(drawn)
    return drawn


def sheet_rows(answers: Sequence[Answer]) -> list[dict[str, str]]:
    """Return a sheet's rows, the rating blank."""
    return [
        {
            "id": blind_id(a.id),
            "dimension": a.dimension,
            "task": f"{a.instruction}\n\n{a.principle}".strip(),
            "reference": a.reference.strip(),
            "answer": a.text.strip() or "(the answer is empty)",
            "rating": "",
        }
        for a in answers
    ]


def sheet_page(answers: Sequence[Answer]) -> str:
    """Return a sheet as one HTML page with everything in it."""
    criteria = {d: template(f"rubrics/{d}").text.strip() for d in DIMENSIONS}
    name = stable_id(*(a.id for a in answers))
    data = json.dumps({"sheet": name, "items": sheet_rows(answers), "criteria": criteria})
    # No text of an answer may end the script element it stands in.
    safe = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return (DATA / PAGE).read_text(encoding="utf-8").replace("{data}", safe, 1)


def write_sheet(
    run_root: Path | str, out: Path | str, per_dimension: int = 40, seed: int = 0
) -> list[Path]:
    """Write the sheet of a run as CSV and page to a folder; return the two paths.

    Raises
    ------
    CodealignError
        The run has no CODAL answers.
    """
    drawn = draw(read_judged(run_root), per_dimension, seed)
    if not drawn:
        raise CodealignError(f"{run_root}: {NO_ANSWERS}")
    return _write(drawn, out)


def try_sheet(run_root: Path | str, out: Path | str, per_dimension: int, seed: int) -> str:
    """Write the sheet if the run has answers; return a line on what was written, or why not."""
    drawn = draw(read_judged(run_root), per_dimension, seed)
    if not drawn:
        return "no rating sheet: the run has no CODAL answers yet"
    return "\n".join(f"wrote {path}" for path in _write(drawn, out))


def _write(answers: Sequence[Answer], out: Path | str) -> list[Path]:
    paths = [Path(out) / SHEET, Path(out) / PAGE]
    write_text(paths[0], pd.DataFrame(sheet_rows(answers)).to_csv(index=False))
    write_text(paths[1], sheet_page(answers))
    return paths
