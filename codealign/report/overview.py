"""The overview: the answer, what else the run says, scores, and what was run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from codealign.analysis.gating import failed_of
from codealign.analysis.tables.controls import hardly_moved
from codealign.paths import RunPaths
from codealign.report.answer import answer_block
from codealign.report.claims import counts_line
from codealign.report.page import PageSection, parts, render, table
from codealign.workflow.state import DONE, FAILED, OUTDATED, TO_DO, State

ONE_SEED = "one training seed, so that none is held against it"
MOST = 3
"""Unfinished notebooks that are named; the page of notebooks names all."""
ANSWER = "Which pathway won, for what, and how sure?"


def answer(paths: RunPaths, picture: str = "") -> PageSection:
    """Return the answer, behind the profile's note, if it has one."""
    note = paths.plan().get("note", "")
    path = paths.tables / "answer.csv"
    body = answer_block(path, picture, hardly_moved(paths.root), note)
    return PageSection("answer", ANSWER, body, "The answer")


def more(paths: RunPaths) -> list[PageSection]:
    """Return one line each on claims, observations and recommendations that have been computed.

    Without any of them there is no block.
    """
    lines = []
    if (paths.tables / "claims.csv").exists():
        counts = counts_line(paths.tables / "claims.csv", "claims.html")
        lines.append(("claims", "The paper's claims", counts))
    for stem, named, id_, asked in (
        ("findings", "Its observations O1 to O20", "Observation", "Verdict"),
        ("advice", "Its recommendations", "id", "verdict"),
    ):
        if (paths.tables / f"{stem}.csv").exists():
            frame = pd.read_csv(paths.tables / f"{stem}.csv")
            verdicts = _by_verdict(zip(frame[id_], frame[asked], strict=True)) or ONE_SEED
            lines.append((stem, named, verdicts))
    title = "What else this run says of the paper"
    body = render("more", lines=lines)
    return [PageSection("more", title, body, "The paper")] if lines else []


def _by_verdict(judged: Iterable[tuple[str, str]]) -> str:
    names: dict[str, list[str]] = {}
    for name, verdict in judged:
        names.setdefault(verdict, []).append(name)
    return "; ".join(f"{verdict}: {', '.join(those)}" for verdict, those in names.items())


def was_run(paths: RunPaths, states: Mapping[str, State]) -> PageSection:
    """Return in a few lines what was run, what was not, and which gates failed.

    `states` are those of the planned jobs, in the plan's order.
    """
    done = [s.result for s in states.values() if s.result and not s.result.get("kept")]
    newest = done[-1]["provenance"] if done else {}
    facts = {key: newest[key] for key in ("seed", "device", "commit") if key in newest}
    minutes = sum(result["seconds"] for result in done) / 60
    counted = f"{len(done)} of {len(states)} notebooks have finished, {minutes:.1f} minutes in all"
    body = render(
        "run", name=paths.root.name, facts=facts, counted=counted, troubles=_troubles(paths, states)
    )
    return PageSection("run", "What was run", body)


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


def jobs(states: Mapping[str, State], pages: dict[str, str]) -> PageSection:
    """Return every planned job with its closing line and a link to its executed notebook."""
    rows = []
    for job, state in states.items():
        link = parts.link(pages[job], job) if job in pages else job
        seconds = f"{state.result['seconds']:.0f}" if state.result else ""
        why = "not finished" if state.kind == TO_DO else f"{state.kind}: {state.reason}"
        trouble = why.splitlines()[0] if state.kind != DONE else ""
        rows.append([link, parts.result(state.result.get("line", ""), trouble), seconds])
    body = table(["Notebook", "Result", "Seconds"], rows, "Notebook jobs, in the order of the plan")
    return PageSection("jobs", "Executed notebooks", body)
