"""The answer, first on the overview: which pathway won, for what, and how sure?"""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.answer import (
    NO_ANSWER,
    QUESTIONS,
    does_what,
    headlines,
    how,
    span,
    technique,
)
from codealign.analysis.effects import ONE_RUN
from codealign.models import registry
from codealign.records import PATHWAY
from codealign.report.page import row, table

WORDS = (
    "<b>PTA</b> starts from the pretrained model, <b>FTA</b> from the fine-tuned one; both are "
    "then aligned. <b>Ends higher</b>: whose aligned model scores higher. <b>Gains more</b>: whose "
    "aligned model is further above its own start."
)
HALF = 60
"""Half the width of the drawn line, in pixels."""


def answer_block(path: Path) -> str:
    """Return the answer of `answer.csv` (columns of `analysis.answer.pathways`) as HTML."""
    found = pd.read_csv(path)
    if found.empty:
        return f"<p>{NO_ANSWER}</p>"
    told = "".join(
        f"<li><b>{escape(what.capitalize())}:</b> {escape(said)}.</li>"
        for what, said in headlines(found)
    )
    said = f"<p>{WORDS}</p>{_table(found)}<p>{how(found)}</p>{_toys(found)}"
    return f'<ul class="answer">{told}</ul>{said}'


def _table(found: pd.DataFrame) -> str:
    reach = found[[f"{name}{end}" for name in QUESTIONS for end in ("_low", "_high")]].abs()
    several = found["model"].nunique() > 1
    head = [*["Model"] * several, "For", "With"]
    for asked in ("Ends higher", "Gains more"):
        head += [asked, "PTA − FTA"]
    rows = []
    for cell in found.to_dict("records"):
        models = [escape(cell["model"])] * several
        rows.append(row(head, models + _cells(cell, float(reach.max().max()))))
    return table(
        head, rows, "Differences in points, with 95 % intervals; drawn: FTA left of 0, PTA right"
    )


def _cells(cell: dict[str, Any], reach: float) -> list[str]:
    told = [labels.REQUIREMENTS[cell["requirement"]], technique(cell["stage"])]
    for name, question in QUESTIONS.items():
        winner, does = cell[question], does_what(cell, question)
        less = f" ({does})" if does == "loses less" else ""
        said = f"<b>{winner}</b>{less}" if winner in PATHWAY.values() else winner
        if winner in PATHWAY.values() and cell["seeds"] == 1:
            said += f" {ONE_RUN}"
        told += [said, f'<span class="num">{span(cell, name)}</span>{_line(cell, name, reach)}'
                 + _alike(cell, name)]  # fmt: skip
    return told


def _alike(cell: dict[str, Any], name: str) -> str:
    """Return the difference under equal weight of the tasks, where that is another one."""
    if cell["requirement"] != "functional" or math.isnan(cell[name]):
        return ""
    return f"<br><small>{span(cell, f'{name}_tasks')}</small>"


def _line(cell: dict[str, Any], name: str, reach: float) -> str:
    """Draw a difference with its interval; the numbers beside it say the same."""
    value, low, high = (cell[f"{name}{end}"] for end in ("", "_low", "_high"))
    if not low <= high:  # not known
        return ""
    at = [f"{HALF * (1 + 0.95 * v / reach):.1f}" for v in (value, low, high)]
    return (
        f'<svg class="line" width="{2 * HALF}" height="14" aria-hidden="true">'
        f'<path d="M{HALF} 0V14" class="zero"/><path d="M{at[1]} 7H{at[2]}"/>'
        f'<circle cx="{at[0]}" cy="7" r="3.5"/></svg>'
    )


def _toys(found: pd.DataFrame) -> str:
    """Say of embedded models that they are toys."""
    known = registry()
    toys = [m for m in dict.fromkeys(found["model"]) if m in known and known[m].embedded]
    return "".join(
        f"<p><b>{escape(toy)}</b> is a toy that is shipped with codealign. Its numbers show that "
        "the experiment works; they say nothing about large models.</p>"
        for toy in toys
    )
