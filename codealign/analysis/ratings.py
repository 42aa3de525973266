"""Ratings of a run's judges, gathered over all evaluated models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codealign.analysis.agreement import read_human_ratings
from codealign.cell import Cell
from codealign.paths import FURTHER_RATINGS, RunPaths
from codealign.records import Answer, Rating, read_jsonl, stable_id

FIRST, SECOND, MORE = "ratings.jsonl", "ratings_second.jsonl", FURTHER_RATINGS
ANSWERS = "answers.jsonl"


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
    """Read a judge's ratings of every evaluated model (main cells of all seeds).

    Parameters
    ----------
    name : `ratings.jsonl` for the run's judge, `ratings_second.jsonl` for its second judge.

    Returns
    -------
    Ratings whose id is that of `item_id`.
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


def read_judged(run_root: Path | str) -> list[Answer]:
    """Read the answers of every evaluated model; ids are those of `read_ratings`."""
    return [
        dataclasses.replace(answer, id=item_id(cell, answer.id))
        for cell, folder in codal_folders(run_root)
        if (folder / ANSWERS).exists()
        for answer in read_jsonl(folder / ANSWERS, Answer)
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
