"""The paper's recommendations R1-R9 held against a user's own scores, with what to do next.

Each is "supported", "not supported", "not distinguishable" or "cannot tell" by this user's data,
with the numbers; `advice_rules` says what counts as clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import yaml

from codealign.analysis.advice_rules import RULES
from codealign.analysis.cells import Problems, cells_of
from codealign.paths import DATA


@dataclass(frozen=True)
class Advice:
    """One recommendation: the paper's text, whether these data support it, why, what to do."""

    id: str
    recommendation: str
    verdict: str
    numbers: list[str]
    next_step: str


def advise(frame: pd.DataFrame, items: Problems | None = None) -> list[Advice]:
    """Say for R1-R9 whether these scores support them and what to do next.

    Parameters
    ----------
    frame : tidy scores of one source, a row for each seed; missing models, variants or stages lead
        to "cannot tell".
    items : per-problem values of the run, for paired intervals.
    """
    cells = cells_of(frame, items)
    found = []
    for category in yaml.safe_load((DATA / "recommendations.yaml").read_text(encoding="utf-8")):
        for item in category["items"]:
            ruled = RULES[item["id"]](cells)
            found.append(
                Advice(item["id"], item["text"], ruled.verdict, ruled.numbers, ruled.next_step)
            )
    return found


def advice_frame(advice: list[Advice]) -> pd.DataFrame:
    """Return the advice as a frame: id, verdict, numbers, next step."""
    rows = [[a.id, a.verdict, "; ".join(a.numbers), a.next_step] for a in advice]
    return pd.DataFrame(rows, columns=["id", "verdict", "numbers", "next_step"])


def advice_markdown(advice: list[Advice]) -> str:
    """Return the advice as Markdown: a heading, the verdict, the numbers and the next step."""
    parts = []
    for a in advice:
        lines = [f"### {a.id}: {a.verdict}", "", a.recommendation + ".", ""]
        lines += [f"- {n}" for n in a.numbers]
        parts.append("\n".join([*lines, f"- Next: {a.next_step}."]))
    return "\n\n".join(parts) + "\n"
