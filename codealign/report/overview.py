"""The overview: the answer, what else the run says, scores, and what was run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from codealign.analysis import labels
from codealign.analysis.answer import (
    NO_ANSWER,
    QUESTIONS,
    does_what,
    headlines,
    how,
    span,
    surer,
    technique,
)
from codealign.analysis.effects import ONE_RUN
from codealign.analysis.gating import failed_of
from codealign.models import registry
from codealign.paths import RunPaths
from codealign.records import PATHWAY
from codealign.report.claims import counts_line
from codealign.report.page import Block, render, table
from codealign.workflow.state import DONE, FAILED, OUTDATED, TO_DO, State

ONE_SEED = "one training seed, so that none is held against it"
MOST = 3
"""Unfinished notebooks that are named; the page of notebooks names all."""
ANSWER = "Which pathway won, for what, and how sure?"


def answer(paths: RunPaths, picture: str = "") -> Block:
    """Return the answer, behind the profile's note, if it has one."""
    note = paths.plan().get("note", "")
    told = Markup("<p><b>Note:</b> {}</p>").format(note) if note else Markup()
    body = told + answer_block(paths.tables / "answer.csv", picture)
    return Block("answer", ANSWER, body, "The answer")


def more(paths: RunPaths) -> list[Block]:
    """Return one line each on claims, observations and recommendations that have been computed.

    Without any of them there is no block.
    """
    lines = []
    if (paths.tables / "claims.csv").exists():
        counts = counts_line(paths.tables / "claims.csv", "claims.html")
        lines.append(Markup('<a href="claims.html">The paper\'s claims</a>: {}').format(counts))
    for stem, named, id_, asked in (
        ("findings", "Its observations O1 to O20", "Observation", "Verdict"),
        ("advice", "Its recommendations", "id", "verdict"),
    ):
        if (paths.tables / f"{stem}.csv").exists():
            frame = pd.read_csv(paths.tables / f"{stem}.csv")
            told = _by_verdict(zip(frame[id_], frame[asked], strict=True)) or ONE_SEED
            lines.append(Markup('<a href="{}.html">{}</a>: {}').format(stem, named, told))
    items = Markup().join(Markup("<li>{}.</li>").format(line) for line in lines)
    title = "What else this run says of the paper"
    return [Block("more", title, f"<ul>{items}</ul>", "The paper")] if lines else []


def _by_verdict(judged: Iterable[tuple[str, str]]) -> str:
    names: dict[str, list[str]] = {}
    for name, verdict in judged:
        names.setdefault(verdict, []).append(name)
    return "; ".join(f"{verdict}: {', '.join(found)}" for verdict, found in names.items())


def was_run(paths: RunPaths, states: Mapping[str, State]) -> Block:
    """Return in a few lines what was run, what was not, and which gates failed.

    `states` are those of the planned jobs, in the plan's order.
    """
    done = [s.result for s in states.values() if s.result and not s.result.get("kept")]
    made = done[-1]["provenance"] if done else {}
    facts = {key: made[key] for key in ("seed", "device", "commit") if key in made}
    minutes = sum(result["seconds"] for result in done) / 60
    counted = f"{len(done)} of {len(states)} notebooks have finished, {minutes:.1f} minutes in all"
    body = render(
        "run", name=paths.root.name, facts=facts, counted=counted, troubles=_troubles(paths, states)
    )
    return Block("run", "What was run", body)


def _troubles(paths: RunPaths, states: Mapping[str, State]) -> list[str]:
    named = {
        kind: [job for job, state in states.items() if state.kind == kind]
        for kind in (TO_DO, FAILED, OUTDATED)
    }
    open_, first = named[TO_DO], ", ".join(named[TO_DO][:MOST])
    lines = [f"Not finished: {first}"] if open_ else []
    if len(open_) > MOST:
        lines = [f"Not finished: {len(open_)} notebooks, the first {first}"]
    lines += [f"Failed: {job}: {states[job].reason.splitlines()[0]}" for job in named[FAILED]]
    if old := named[OUTDATED]:
        why = states[old[0]].reason
        lines.append(f"Out of date: {len(old)} notebooks, e.g. {old[0]}: {why}")
    if kept := [job for job, state in states.items() if state.result.get("kept")]:
        lines.append(f"Kept from running by a gate: {', '.join(kept)}")
    gates = ((job, failed_of(paths.root, state.result)) for job, state in states.items())
    return lines + [f"{job}: {gate}" for job, failed in gates for gate in failed]


def jobs(states: Mapping[str, State], pages: dict[str, str]) -> Block:
    """Return every planned job with its closing line and a link to its executed notebook."""
    rows = []
    for job, state in states.items():
        link = Markup('<a href="{}">{}</a>').format(pages[job], job) if job in pages else job
        line, seconds = escape(state.result.get("line", "")), ""
        if state.result:
            seconds = f"{state.result['seconds']:.0f}"
        if state.kind != DONE:
            why = "not finished" if state.kind == TO_DO else f"{state.kind}: {state.reason}"
            line = Markup('<span class="failed">{}</span> ').format(why.splitlines()[0]) + line
        rows.append([link, line, seconds])
    body = table(["Notebook", "Result", "Seconds"], rows, "Notebook jobs, in the order of the plan")
    return Block("jobs", "Executed notebooks", body)


# The answer, first on the overview: which pathway won, for what, and how sure?

HALF = 60
"""Half the width of the drawn line, in pixels."""
CAPTION = "Differences in points, with 95 % intervals; drawn: FTA left of 0, PTA right"


def answer_block(path: Path, picture: str = "") -> Markup:
    """Return the answer of `answer.csv` (columns of `analysis.answer.pathways`) as HTML.

    Parameters
    ----------
    picture : HTML of the answer's figure, which stands below the sentences.
    """
    answers = pd.read_csv(path)
    if answers.empty:
        return Markup("<p>{}</p>").format(NO_ANSWER)
    known = registry()
    toys = [m for m in dict.fromkeys(answers["model"]) if m in known and known[m].embedded]
    return render(
        "answer", headlines=headlines(answers), picture=Markup(picture), surer=surer(answers),
        numbers=_table(answers), how=how(answers), toys=toys,
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
        told = Markup("<b>{}</b>").format(winner) if won else escape(winner)
        told += f" ({does})" * (does == "loses less")
        cells += [
            told + f" {ONE_RUN}" * (won and cell["seeds"] == 1),
            _difference(cell, name, reach),
        ]
    return cells


def _difference(cell: dict[str, Any], name: str, reach: float) -> Markup:
    """Return a difference in words, as a line, and, where it is another one, weighed by task."""
    value, low, high = (cell[f"{name}{end}"] for end in ("", "_low", "_high"))
    drawn = [f"{HALF * (1 + 0.95 * v / reach):.1f}" for v in (value, low, high)]
    by_task = cell["requirement"] == "functional" and not math.isnan(value)
    return render(
        "difference", told=span(cell, name), width=2 * HALF, line=drawn if low <= high else [],
        alike=span(cell, f"{name}_tasks") if by_task else "",
    )  # fmt: skip
