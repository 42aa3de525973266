"""Shares of survey answers with Wilson intervals, from an answers file or from the printed shares.

Answers file: CSV with a column `respondent` (unique) and one for each of Q1 to Q8 of Table 7. A
cell holds one of the question's options (`data/survey_questions.yaml`) word for word; Q6 takes
several, separated by semicolons or commas. A blank cell is "no answer": it is counted as missing
and is not in the share's denominator. Anything else is an error that names its line; nothing is
dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from codealign.analysis import stats
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA
from codealign.texts import CELLS, read_sheet

DERIVED = "count derived from the printed share and 30 respondents"


@dataclass(frozen=True)
class SurveyQuestion:
    """A row of Table 7; `totals` are reported shares that span several options."""

    id: str
    group: str
    question: str
    printed: str
    options: list[str]
    multiple: bool = False
    totals: dict[str, list[str]] = field(default_factory=dict)


@cache
def questions() -> dict[str, SurveyQuestion]:
    """Return the survey's questions by id."""
    data = yaml.safe_load((DATA / "survey_questions.yaml").read_text(encoding="utf-8"))
    return {q["id"]: SurveyQuestion(**q) for q in data}


def read_answers(path: Path | str) -> list[dict[str, list[str]]]:
    """Read and check an answers file; one mapping {question id: chosen options} per respondent.

    Raises
    ------
    CodealignError
        No such file, a missing or unknown column, or bad rows: one line for each, with its number.
    """
    path = Path(path)
    if not path.exists():
        raise CodealignError(f"{path}: no such file; `codealign.analysis.survey` has the schema")
    rows = read_sheet(path, ["respondent", *questions()], others=False)
    faults, seen = [], set()
    for line, row in rows:
        fault = CELLS if row is None else _row_fault(row, seen)
        if fault:
            faults.append(f"{path}:{line}: {fault}")
        if row is not None:
            seen.add(row["respondent"])
    if faults:
        raise CodealignError("\n".join(faults))
    return [{q: _chosen(row[q], questions()[q]) for q in questions()} for _, row in rows]


def _row_fault(row: dict[str, str], seen: set[str]) -> str:
    """Return the first fault of a row, or ""."""
    if not row["respondent"]:
        return "respondent is empty"
    if row["respondent"] in seen:
        return f"respondent {row['respondent']} answers twice"
    for question in questions().values():
        chosen = _chosen(row[question.id], question)
        for answer in chosen:
            if answer not in question.options:
                return f"{question.id}: {answer!r} is no option" + nearest(answer, question.options)
        if len(set(chosen)) < len(chosen):
            return f"{question.id}: an option is given twice"
    return ""


def _chosen(cell: str, question: SurveyQuestion) -> list[str]:
    if not question.multiple:
        return [cell.strip()] if cell.strip() else []
    parts = [p.strip() for p in cell.split(";") if p.strip()]
    return [option for part in parts for option in _between_commas(part, question.options)]


def _between_commas(part: str, options: list[str]) -> list[str]:
    """Return the options that commas separate in a part of a cell, or the part as it is.

    Forms export several options so; an option may hold a comma itself.
    """
    if not part or part in options:
        return [part] if part else []
    for option in options:
        if part.startswith(option) and part[len(option) :].lstrip().startswith(","):
            rest = _between_commas(part[len(option) :].lstrip().lstrip(",").lstrip(), options)
            if all(piece in options for piece in rest):
                return [option, *rest]
    return [part]


def shares(answers: list[dict[str, list[str]]]) -> pd.DataFrame:
    """Return the share of every option and total of every question.

    Columns: question, option, count, n (who answered), missing (who did not), percent, low, high
    (Wilson, in percent), interval, derived (False: counted from answers).
    """
    rows = []
    for q in questions().values():
        given = [a[q.id] for a in answers if a[q.id]]
        for option, members in {**{o: [o] for o in q.options}, **q.totals}.items():
            count = sum(any(m in chosen for m in members) for chosen in given)
            rows.append(_share(q.id, option, count, len(given), len(answers) - len(given), ""))
    return pd.DataFrame(rows)


def published_shares() -> pd.DataFrame:
    """Return the printed shares (section 6.1) with counts derived from them and marked so.

    `printed` is the percentage as printed; `percent` is recomputed from the derived count.

    Raises
    ------
    CodealignError
        A printed share is no count out of its respondents to the printed decimal.
    """
    rows = []
    for r in pd.read_csv(DATA / "survey_marginals.csv").itertuples(index=False):
        count = round(r.percent * r.respondents / 100)
        if round(100 * count / r.respondents, 1) != r.percent:
            raise CodealignError(f"survey: {r.percent} % is no count out of {r.respondents}")
        row = _share(r.question, r.option, count, r.respondents, 0, DERIVED)
        rows.append({**row, "printed": r.percent})
    return pd.DataFrame(rows)


def _share(q: str, option: str, count: int, n: int, missing: int, derived: str) -> dict[str, Any]:
    low, high, method = stats.wilson(count, n)
    return {
        "question": q, "option": option, "count": count, "n": n, "missing": missing,
        "percent": 100 * count / n if n else float("nan"), "low": 100 * low, "high": 100 * high,
        "interval": method, "derived": bool(derived), "note": derived,
    }  # fmt: skip
