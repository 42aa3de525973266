"""The ledger for readers: a table, and Markdown grouped by place with counts of verdicts."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import pandas as pd

from codealign.analysis.claims.model import Claim, Search

COLUMNS = [
    "place", "id", "origin", "statement", "published", "computed", "unit", "rule", "verdict",
    "note", "tried", "matching", "reach", "nearest",
]  # fmt: skip
ORIGINS = {"paper": "", "reading": "our reading: ", "own": ""}


def claims_frame(claims: list[Claim]) -> pd.DataFrame:
    """Return the ledger as a frame, one row a claim; numbers are text as they are shown."""
    return pd.DataFrame([_row(c) for c in claims], columns=COLUMNS)


def _row(claim: Claim) -> dict[str, object]:
    s = claim.search
    return {
        "place": claim.place,
        "id": claim.id,
        "origin": claim.origin,
        "statement": claim.statement,
        "published": numbers(claim.published),
        "computed": numbers(claim.computed),
        "unit": claim.unit,
        "rule": claim.rule,
        "verdict": claim.verdict,
        "note": claim.note,
        "tried": s.tried if s else pd.NA,
        "matching": s.matching if s else pd.NA,
        "reach": s.reach if s else pd.NA,
        "nearest": s.nearest if s else "",
    }


def numbers(values: list[float]) -> str:
    """Return numbers with four significant digits (large ones whole), separated by commas."""
    return ", ".join(f"{v:.0f}" if abs(v) >= 1000 else f"{v:.4g}" for v in values)


def searched(search: Search) -> str:
    """Return the search in one sentence: how many rules, how many fit, what a fit is worth."""
    if search.of == "readings":
        held = f" (e.g. {search.matches[0]})" if search.matches else ""
        text = f"{search.tried} other readings, {search.matching} bear it out{held}"
        return f"{text}; plain reading: {search.nearest}. Varied: {search.grid}."
    text = f"{search.tried} candidate rules, {search.matching} fit"
    if search.matching:
        text += f" (e.g. {search.matches[0]})"
    else:
        text += f"; nearest miss: {search.nearest}"
    worth = f"{100 * search.reach:.0f} % of the values nearby are reached by some rule"
    return f"{text}; {worth}. Varied: {search.grid}."


def counts_table(claims: list[Claim]) -> str:
    """Return a Markdown table of the verdicts' counts: paper's statements, readings, own lines."""
    verdicts = list(dict.fromkeys(c.verdict for c in claims))
    counts = Counter((c.verdict, c.origin) for c in claims)
    heads = {"paper": "Statements of the paper", "reading": "Our readings", "own": "Own lines"}
    lines = [f"| Verdict | {' | '.join(heads.values())} |", "|---|" + "---:|" * len(heads)]
    lines += [f"| {v} | {' | '.join(str(counts[v, o]) for o in heads)} |" for v in verdicts]
    return "\n".join(lines)


def claims_markdown(claims: list[Claim], details: bool = True) -> str:
    """Return the ledger as Markdown: counts, then a table for each place of the paper.

    Parameters
    ----------
    claims : the ledger, as `ledger` returns it.
    details : add the searches (rules tried, matching, nearest miss) under each table.
    """
    parts = [counts_table(claims)]
    for place, group in groupby(claims, key=lambda c: c.place):
        parts.append(_place(place, list(group), details))
    return "\n\n".join(parts) + "\n"


def _place(place: str, claims: list[Claim], details: bool) -> str:
    title = f"Section {place}" if place[:1].isdigit() else place[:1].upper() + place[1:]
    told = ", ".join(f"{n} {v}" for v, n in Counter(c.verdict for c in claims).items())
    lines = [
        f"### {title}", "", f"{told}.", "",
        "| Statement | Published | Computed | Rule | Verdict |", "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [_line(c) for c in claims]
    if details and any(c.search for c in claims):
        lines += ["", "Searches:", ""]
        lines += [f"- `{c.id}`: {searched(c.search)}" for c in claims if c.search]
    return "\n".join(lines)


def _line(claim: Claim) -> str:
    told = told_note(claim.note, claim.rule)
    verdict = claim.verdict + (f": {told}" if told else "")
    shown = (with_unit(numbers(n), claim.unit) for n in (claim.published, claim.computed))
    cells = (ORIGINS[claim.origin] + claim.statement, *shown, claim.rule, verdict)
    return f"| {' | '.join(c.replace('|', '/') for c in cells)} |"


def told_note(note: str, rule: str) -> str:
    """Return the note to show, "" if it is a reason that stands in the rule's cell already."""
    return "" if note == rule else note


def with_unit(text: str, unit: str) -> str:
    """Return numbers with their unit; "" without numbers, and no unit that lists several."""
    return f"{text} {unit}" if text and unit and "," not in unit else text
