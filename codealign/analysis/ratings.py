"""Ratings of a run's judges, gathered over all evaluated models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from codealign.analysis.agreement import read_human_ratings
from codealign.paths import RunPaths
from codealign.records import Rating, read_jsonl

FIRST, SECOND = "ratings.jsonl", "ratings_second.jsonl"


def read_ratings(run_root: Path | str, name: str = FIRST) -> list[Rating]:
    """Read a judge's ratings of every evaluated model.

    Parameters
    ----------
    name : `ratings.jsonl` for the run's judge, `ratings_second.jsonl` for its second judge.

    Returns
    -------
    Ratings whose id is `<model>/<variant>/<stage>/<problem>`.
    """
    root = RunPaths(Path(run_root)).root / "evals"
    found = []
    for file in sorted(root.glob(f"*/*/non_functional/*/codal/{name}")):
        model, variant, _, stage = file.parent.parent.relative_to(root).parts
        found += [
            dataclasses.replace(rating, id=f"{model}/{variant}/{stage}/{rating.id}")
            for rating in read_jsonl(file, Rating)
        ]
    return found


def second_ratings(run_root: Path | str, human: str = "") -> list[Rating]:
    """Return what the run's judge is compared with: people if there is a file, else judge two.

    The list is empty if there is neither.

    Parameters
    ----------
    human : CSV of human ratings (see `agreement.read_human_ratings`); "" for none.
    """
    return read_human_ratings(human) if human else read_ratings(run_root, SECOND)
