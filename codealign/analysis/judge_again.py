"""Further judges for the answers of a finished run, so that judges can be ranked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codealign.analysis.ratings import (
    ANSWERS,
    FIRST,
    MORE,
    SECOND,
    codal_folders,
    item_id,
    read_ratings,
)
from codealign.errors import CodealignError
from codealign.evaluate.codal import rate
from codealign.evaluate.judges import Judge
from codealign.records import Answer, read_jsonl


def file_name(judge: str) -> str:
    """Return the name of the file a further judge's ratings go to."""
    return MORE.replace("*", re.sub(r"[^A-Za-z0-9._-]+", "_", judge))


def _answers(run_root: Path | str) -> list[tuple[str, Path, list[Answer]]]:
    answers = [
        (item_id(cell), folder, list(read_jsonl(folder / ANSWERS, Answer)))
        for cell, folder in codal_folders(run_root)
        if (folder / ANSWERS).exists()
    ]
    if not answers:
        raise CodealignError(f"{run_root}: no CODAL answers in it; run `05_codal` first")
    return answers


def estimate_run(run_root: Path | str, judge: Judge) -> str:
    """Return a line on what rating all answers of a run will take."""
    return judge.estimate([a for _, _, answers in _answers(run_root) for a in answers])


def judge_run(run_root: Path | str, judge: Judge) -> Iterator[str]:
    """Rate the answers of every evaluated model; yield a line for each when it is done.

    Ratings go beside the run's own, into `ratings_of_<judge>.jsonl`; the run's scores stay as they
    are. What was rated before is not rated again.

    Raises
    ------
    CodealignError
        The run has no answers, or the judge is one of the run's own two.
    """
    own = {r.judge for name in (FIRST, SECOND) for r in read_ratings(run_root, name)}
    if judge.name in own:
        raise CodealignError(f"judge {judge.name!r} is one of this run's own, it has rated already")
    for place, folder, answers in _answers(run_root):
        ratings = rate(answers, judge, folder / file_name(judge.name))
        unrated = sum(r.rating is None for r in ratings)
        yield f"{place}: {len(ratings) - unrated} rated by {judge.name}, {unrated} unrated"
