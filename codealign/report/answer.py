"""The answer, first on the overview: which pathway won, for what, and how sure?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from codealign.analysis import labels
from codealign.analysis.answer import (
    NO_ANSWER,
    QUESTIONS,
    by_task,
    does_what,
    headlines,
    how,
    span,
    surer,
    technique,
)
from codealign.analysis.effects import ONE_RUN
from codealign.models import registry
from codealign.records import PATHWAY
from codealign.report.page import render, table

HALF = 60
"""Half the width of the drawn line, in pixels."""
CAPTION = "Differences in points, with 95 % intervals; drawn: FTA left of 0, PTA right"


def answer_block(path: Path, picture: str = "", caution: str = "", note: str = "") -> Markup:
    """Return the answer of `answer.csv` (columns of `analysis.answer.pathways`) as HTML.

    Parameters
    ----------
    picture : HTML of the answer's figure, which stands below the sentences.
    caution : a sentence that limits what these say (`hardly_moved`).
    note : the profile's, which stands first.
    """
    answers = pd.read_csv(path)
    if answers.empty:
        return render("answer", note=note, lacks=": ".join(NO_ANSWER))
    known = registry()
    toys = [m for m in dict.fromkeys(answers["model"]) if m in known and known[m].embedded]
    return render(
        "answer", note=note, lacks="", headlines=headlines(answers), picture=Markup(picture),
        surer=surer(answers), caution=caution, numbers=_table(answers),
        how=how(answers, lacks=False), toys=toys,
    )  # fmt: skip


def _table(answers: pd.DataFrame) -> Markup:
    bounds = answers[[f"{name}{end}" for name in QUESTIONS for end in ("_low", "_high")]].abs()
    reach = float(bounds.max().max())
    several = answers["model"].nunique() > 1
    head = [*["Model"] * several, "For", "With"]
    for asked in ("Ends higher", "Gains more"):
        head += [asked, "PTA − FTA"]
    rows = [
        [*[cell["model"]] * several, *_cells(cell, reach)] for cell in answers.to_dict("records")
    ]
    return table(head, rows, CAPTION)


def _cells(cell: dict[str, Any], reach: float) -> list[str]:
    cells = [labels.REQUIREMENTS[cell["requirement"]], technique(cell["stage"])]
    for name, question in QUESTIONS.items():
        winner, does = cell[question], does_what(cell, question)
        won = winner in PATHWAY.values()
        shown = Markup("<b>{}</b>").format(winner) if won else escape(winner)
        shown += f" ({does})" * (does == "loses less")
        cells += [
            shown + f" {ONE_RUN}" * (won and cell["seeds"] == 1),
            _difference(cell, name, reach),
        ]
    return cells


def _difference(cell: dict[str, Any], name: str, reach: float) -> Markup:
    """Return a difference in words, as a line, and, where it is another one, weighed by task."""
    value, low, high = (cell[f"{name}{end}"] for end in ("", "_low", "_high"))
    drawn = [f"{HALF * (1 + 0.95 * v / reach):.1f}" for v in (value, low, high)]
    return render(
        "difference", told=span(cell, name), width=2 * HALF, line=drawn if low <= high else [],
        alike=by_task(cell, name),
    )  # fmt: skip
