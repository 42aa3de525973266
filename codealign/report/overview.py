"""The overview: the answer, what else the run says, scores, and what was run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd

from codealign.analysis.gating import failed_of
from codealign.paths import RunPaths
from codealign.report.answer import answer_block
from codealign.report.claims import counts_line
from codealign.report.page import Block, row, table
from codealign.workflow.state import DONE, FAILED, OUTDATED, TO_DO, State

ONE_SEED = "one training seed, so that none is held against it"
ANSWER = "Which pathway won, for what, and how sure?"


def answer(paths: RunPaths) -> Block:
    """Return the answer, behind the profile's note, if it has one."""
    note = paths.plan().get("note", "")
    told = f"<p><b>Note:</b> {escape(note)}</p>" if note else ""
    return Block("answer", ANSWER, told + answer_block(paths.tables / "answer.csv"), "The answer")


def more(paths: RunPaths) -> list[Block]:
    """Return one line each on claims, observations and recommendations that have been computed.

    Without any of them there is no block.
    """
    said = []
    if (paths.tables / "claims.csv").exists():
        counts = counts_line(paths.tables / "claims.csv", "claims.html")
        said.append(f'<a href="claims.html">The paper\'s claims</a>: {counts}')
    for stem, named, id_, asked in (
        ("findings", "Its observations O1 to O20", "Observation", "Verdict"),
        ("advice", "Its recommendations", "id", "verdict"),
    ):
        if (paths.tables / f"{stem}.csv").exists():
            found = pd.read_csv(paths.tables / f"{stem}.csv")
            told = _by_verdict(zip(found[id_], found[asked], strict=True))
            said.append(f'<a href="{stem}.html">{named}</a>: {told or ONE_SEED}')
    items = "".join(f"<li>{line}.</li>" for line in said)
    title = "What else this run says of the paper"
    return [Block("more", title, f"<ul>{items}</ul>", "The paper")] if said else []


def _by_verdict(judged: Iterable[tuple[str, str]]) -> str:
    names: dict[str, list[str]] = {}
    for name, verdict in judged:
        names.setdefault(verdict, []).append(name)
    return "; ".join(f"{escape(verdict)}: {', '.join(found)}" for verdict, found in names.items())


def was_run(paths: RunPaths, states: Mapping[str, State]) -> Block:
    """Return in a few lines what was run, what was not, and which gates failed.

    `states` are those of the planned jobs, in the plan's order.
    """
    jobs = {job: state.result for job, state in states.items()}
    kept = [job for job, result in jobs.items() if result.get("kept")]
    done = [result for job, result in jobs.items() if result and job not in kept]
    about = f"Profile {escape(paths.root.name)}"
    if done:
        facts = done[-1]["provenance"]
        told = [f"{key} {facts[key]}" for key in ("seed", "device", "commit") if key in facts]
        about = f"{about}, {escape(', '.join(told))}"
    minutes = sum(result["seconds"] for result in done) / 60
    counted = f"{len(done)} of {len(jobs)} notebooks have finished, {minutes:.1f} minutes in all"
    body = f'<p>{about}. <a href="notebooks.html">{counted}</a>.</p>'
    open_ = [escape(job) for job, state in states.items() if state.kind == TO_DO]
    if open_:
        body += f'<p class="failed">Not finished: {", ".join(open_)}.</p>'
    for job, state in states.items():
        if state.kind == FAILED:
            said = f"Failed: {job}: {state.reason.splitlines()[0]}"
            body += f'<p class="failed">{escape(said)}.</p>'
    if old := [job for job, state in states.items() if state.kind == OUTDATED]:
        said = f"Out of date: {len(old)} notebooks, e.g. {old[0]}: {states[old[0]].reason}"
        body += f'<p class="failed">{escape(said)}.</p>'
    if kept:
        body += f'<p class="failed">Kept from running by a gate: {escape(", ".join(kept))}.</p>'
    for job, result in jobs.items():
        for gate in failed_of(paths.root, result):
            body += f'<p class="failed">{escape(job)}: {escape(str(gate))}.</p>'
    return Block("run", "What was run", body)


def jobs(states: Mapping[str, State], pages: dict[str, str]) -> Block:
    """Return every planned job with its closing line and a link to its executed notebook."""
    head, rows = ["Notebook", "Result", "Seconds"], []
    for job, state in states.items():
        link = f'<a href="{pages[job]}">{escape(job)}</a>' if job in pages else escape(job)
        said, seconds = "", f"{state.result['seconds']:.0f}" if state.result else ""
        if state.kind != DONE:
            why = "not finished" if state.kind == TO_DO else f"{state.kind}: {state.reason}"
            said = f'<span class="failed">{escape(why.splitlines()[0])}</span> '
        rows.append(row(head, [link, said + escape(state.result.get("line", "")), seconds]))
    body = table(head, rows, "Notebook jobs, in the order of the plan")
    return Block("jobs", "Executed notebooks", body)
