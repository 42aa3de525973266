"""Ratings of a run's judges, gathered over all evaluated models."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from codealign.analysis.agreement import read_human_ratings
from codealign.paths import RunPaths
from codealign.records import Rating, read_jsonl

FIRST, SECOND = "ratings.jsonl", "ratings_second.jsonl"


def read_ratings(run_root: Path | str, name: str = FIRST) -> list[Rating]:
    """Read a judge's ratings of every evaluated model (main cells of all seeds).

    Parameters
    ----------
    name : `ratings.jsonl` for the run's judge, `ratings_second.jsonl` for its second judge.

    Returns
    -------
    Ratings whose id is `<model>/<variant>/<stage>/<problem>`; where a run has several seeds, those
    of a trained model begin with `seed<n>/`.
    """
    found = []
    for part in RunPaths(Path(run_root)).parts():
        root = part.root / "evals"
        for file in sorted(root.glob(f"*/*/non_functional/*/codal/{name}")):
            model, variant, _, stage = file.parent.parent.relative_to(root).parts
            place = "/".join((*part.suffix, model, variant, stage))
            found += [
                dataclasses.replace(rating, id=f"{place}/{rating.id}")
                for rating in read_jsonl(file, Rating)
                if not part.ablation
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
