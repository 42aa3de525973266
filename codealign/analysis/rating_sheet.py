"""A rating sheet for people: a sample of a run's answers as CSV and as a page that needs no server.

Answers are drawn at random within each dimension, over all models and stages alike. Whose answer it
is stays hidden: a sheet shows a blind id (`ratings.blind_id`), and the order is shuffled. The page
keeps its progress in the browser and exports the CSV that `survey.human_ratings` takes.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path

from codealign.analysis.ratings import blind_id, read_judged
from codealign.errors import CodealignError
from codealign.paths import DATA
from codealign.prompts import template
from codealign.records import DIMENSIONS, Answer, seed_of, stable_id, write_text

COLUMNS = ("id", "dimension", "task", "reference", "answer", "rating")
CSV_NAME, PAGE_NAME = "rating_sheet.csv", "rating_sheet.html"


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


def rows(answers: Sequence[Answer]) -> list[dict[str, str]]:
    """Return the sheet's rows, the rating blank."""
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


def sheet_csv(answers: Sequence[Answer]) -> str:
    """Return the sheet as CSV with the columns `COLUMNS`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(answers))
    return out.getvalue()


def sheet_page(answers: Sequence[Answer]) -> str:
    """Return the sheet as one HTML page with everything in it."""
    criteria = {d: template(f"rubrics/{d}").text.strip() for d in DIMENSIONS}
    name = stable_id(*(a.id for a in answers))
    data = json.dumps({"sheet": name, "items": rows(answers), "criteria": criteria})
    # No text of an answer may end the script element it stands in.
    safe = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    page = (DATA / PAGE_NAME).read_text(encoding="utf-8")
    return page.replace("{data}", safe, 1)


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
        raise CodealignError(f"{run_root}: no CODAL answers in it; run `05_codal` first")
    return _write(drawn, out)


def try_sheet(run_root: Path | str, out: Path | str, per_dimension: int, seed: int) -> str:
    """Write the sheet if the run has answers; return a line on what was written, or why not."""
    drawn = draw(read_judged(run_root), per_dimension, seed)
    if not drawn:
        return "no rating sheet: the run has no CODAL answers yet"
    return "\n".join(f"wrote {path}" for path in _write(drawn, out))


def _write(answers: Sequence[Answer], out: Path | str) -> list[Path]:
    paths = [Path(out) / CSV_NAME, Path(out) / PAGE_NAME]
    for path, text in zip(paths, (sheet_csv(answers), sheet_page(answers)), strict=True):
        write_text(path, text)
    return paths
