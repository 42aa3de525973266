"""The study's question answered from scores: which pathway won, for what, and how sure is it?

Two questions, for each requirement and technique: which pathway *ends* higher (aligned score), and
which *gains* more over its own base. Scores are means over a requirement's benchmarks in percent
of their scale, as in the summary.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from codealign.analysis import labels
from codealign.analysis.changes import Items, collect_items
from codealign.analysis.contrast import contrast
from codealign.analysis.scores import CELL, collect
from codealign.analysis.summary import (
    MEMBERS,
    Part,
    mean_of,
    points,
    summarise,
    summary_markdown,
)
from codealign.records import ALIGNED, PATHWAY, seed_of, write_text

CANNOT_TELL = "cannot tell"
COLUMNS = [
    "source", "model", "requirement", "stage", "benchmarks", "ends", "ends_low", "ends_high",
    "higher", "gains", "gains_low", "gains_high", "more", "pta_change", "fta_change",
]  # fmt: skip
NO_ANSWER = "No answer yet: it takes an aligned score of both pathways."
HOW = (
    "Differences are PTA minus FTA in points (percent of the scale, mean over the requirement's "
    "benchmarks), with 95% intervals: paired over problems where both have per-problem values, "
    "benchmarks taken as independent. A winner is named only if the interval excludes 0."
)


def pathways(
    scores: pd.DataFrame, items: Items | None = None, summary: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Compare the two pathways of every model, requirement and technique.

    Parameters
    ----------
    scores : tidy scores.
    items : per-problem values, for paired differences.
    summary : what `summarise` gives for the same; None: it is made here.

    Returns
    -------
    DataFrame
        source, model, requirement, stage (dpo or bonbon); `ends` (PTA minus FTA, points) with
        bounds and `higher`; `gains` (PTA's change against its base minus FTA's) with bounds and
        `more`; the winner is "PTA", "FTA" or "cannot tell"; `pta_change` and `fta_change` in points
        (like `gains` NaN where a base was not run).
        Rows where one pathway has no score are left out.
    """
    summary = summarise(scores, items) if summary is None else summary
    aligned = scores[scores["stage"].isin(ALIGNED) & scores["value"].notna() & (scores["n"] > 0)]
    rows = []
    for cell, part in aligned.groupby(["source", "model", "requirement", "stage"], sort=False):
        ends = _ends(part[part["benchmark"].isin(MEMBERS[cell[2]])], items or {})
        if len(ends):
            changes = [_change(summary, cell, pathway) for pathway in PATHWAY.values()]
            told = *_told(mean_of(points(ends, "absolute"))), *_told(_minus(*changes))
            rows.append([*cell, len(ends), *told, *(change[0] for change in changes)])
    return pd.DataFrame(rows, columns=COLUMNS)


def _ends(part: pd.DataFrame, items: Items) -> pd.DataFrame:
    """Return PTA minus FTA of each benchmark that both have."""
    of = {
        variant: {row["benchmark"]: row for row in found.to_dict("records")}
        for variant, found in part.groupby("variant")
    }
    pta, fta = of.get("pretrained", {}), of.get("finetuned", {})
    return pd.DataFrame([_difference(fta[name], pta[name], items) for name in pta if name in fta])


def _difference(before: dict[str, Any], after: dict[str, Any], items: Items) -> dict[str, Any]:
    cells = [tuple(row[c] for c in CELL) for row in (before, after)]
    values = [items.get(cell, {}) for cell in cells]
    found = contrast(before, after, *values, seed_of("pathways", *cells[1]))
    return {"benchmark": after["benchmark"], **found}


def _change(summary: pd.DataFrame, cell: tuple[str, ...], pathway: str) -> Part:
    where = ["source", "model", "requirement", "stage", "pathway"]
    row = summary[(summary[where] == [*cell, pathway]).all(axis=1)].iloc[0]
    return row["change"], row["change_low"], row["change_high"]


def _minus(first: Part, second: Part) -> Part:
    """Return the difference of two independent estimates (twice the mean of two is their sum)."""
    mean, low, high = mean_of([first, (-second[0], -second[2], -second[1])])
    return 2 * mean, 2 * low, 2 * high


def _told(part: Part) -> tuple[float, float, float, str]:
    _, low, high = part
    winner = "PTA" if low > 0 else "FTA" if high < 0 else CANNOT_TELL
    return *part, winner


def answer_lines(found: pd.DataFrame) -> list[str]:
    """Return the answer in sentences: a line a requirement and technique, then the count.

    Parameters
    ----------
    found : what `pathways` returns.
    """
    lines = [_sentence(row) for row in found.to_dict("records")]
    if len(lines) > 4:  # more than one model: what they have in common comes first
        lines = [*(f"{what}: {told}." for what, told in headlines(found)), *lines]
    return lines or [NO_ANSWER]


def headlines(found: pd.DataFrame) -> list[tuple[str, str]]:
    """Return for each requirement who ends higher and who gains more, and in which cases.

    A case is a technique; with several models, a model and a technique, and they are counted.
    """
    return [
        (labels.REQUIREMENTS[requirement], "; ".join(_winners(part, q) for q in ("higher", "more")))
        for requirement, part in found.groupby("requirement", sort=False)
    ]


def _winners(part: pd.DataFrame, question: str) -> str:
    several = part["model"].nunique() > 1
    told = []
    for winner, _ in Counter(part[question]).most_common():
        rows = part[part[question] == winner].to_dict("records")
        cases = " and ".join(labels.STAGES[row["stage"]] for row in rows)
        cases = f"{len(rows)} of {len(part)}" if several else cases
        does = {does_what(row, question) for row in rows}
        told.append(_claim(winner, does.pop() if len(does) == 1 else "gains more", cases))
    return ", ".join(told)


def does_what(row: dict[str, Any], question: str) -> str:
    """Return what the winner of a row does: "ends higher", "gains more" or "loses less".

    Parameters
    ----------
    row : of `pathways`.
    question : its column of the winner, "higher" or "more".
    """
    if question == "higher":
        return "ends higher"
    change = row["fta_change" if row["more"] == "FTA" else "pta_change"]
    return "loses less" if row["more"] != CANNOT_TELL and change < 0 else "gains more"


def _sentence(row: dict[str, Any]) -> str:
    what = f"{labels.REQUIREMENTS[row['requirement']]}, {labels.STAGES[row['stage']]}"
    who = row["model"] + (" (published)" if row["source"] == "paper" else "")
    told = [
        _claim(row[question], does_what(row, question), f"PTA - FTA {span(row, name)}")
        for question, name in (("higher", "ends"), ("more", "gains"))
    ]
    return f"{who}, {what}: {'; '.join(told)}."


def _claim(winner: str, does: str, where: str) -> str:
    if winner == CANNOT_TELL:
        return f"which pathway {does} cannot be told ({where})"
    return f"{winner} {does} ({where})"


def span(row: dict[str, Any], name: str) -> str:
    """Return the difference `name` ("ends" or "gains") of a row of `pathways`, with interval."""
    if math.isnan(row[name]):
        return "not known: base not run"
    return labels.with_interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")), "{:+.1f}")


def answer_markdown(found: pd.DataFrame) -> str:
    """Return the sentences as a Markdown list, and how the numbers are made."""
    return "\n".join([*(f"- {line}" for line in answer_lines(found)), "", HOW]) + "\n"


def write_answer(
    out: Path | str,
    scores: pd.DataFrame,
    items: Items | None = None,
    summary: pd.DataFrame | None = None,
) -> str:
    """Write `answer.md` and `answer.csv` to `out`; return the Markdown. See `pathways`."""
    found = pathways(scores, items, summary)
    text = answer_markdown(found)
    write_text(Path(out) / "answer.md", text)
    write_text(Path(out) / "answer.csv", found.to_csv(index=False))
    return text


def closing_text(run_root: Path | str) -> str:
    """Return summary and answer from a run's measured scores, for printing at its end."""
    scores, items = collect(run_root), collect_items(run_root)
    summary = summarise(scores, items)
    told = f"{run_root}: no scores yet\n" if scores.empty else summary_markdown(summary)
    return f"{told}\n{answer_markdown(pathways(scores, items, summary))}"
