"""The one judge of a job's state, asked by driver, status, dry run and report.

A job is done if its result was made from the settings, the code and the inputs that it would be
made from now, and what it made is there. All of that goes by content: a copy of a run is as done as
the run, and an edit that is undone has never been. Nothing is written here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.additions import own_benchmarks, own_dimensions
from codealign.errors import CodealignError
from codealign.params import Params, validate
from codealign.paths import FURTHER_RATINGS, NANO, PROJECT, RunPaths, notebook_of
from codealign.prompts import SETS
from codealign.provenance import file_hash
from codealign.records import stable_id
from codealign.registry import identity
from codealign.workflow.code import code_of
from codealign.workflow.lock import is_held
from codealign.workflow.markers import RESULT, read_failure, read_result
from codealign.workflow.notebooks import NOTEBOOKS
from codealign.workflow.plan import Job, frozen, read_plan

DONE, OUTDATED, FAILED, TO_DO = "done", "outdated", "failed", "to do"
SECTIONS = {one.section: Params.model_fields[one.section].annotation for one in NOTEBOOKS.values()}
"""The schema of each notebook's settings."""
HANDED_ON = {
    *(name for one in NOTEBOOKS.values() for names in (one.reads or {}).values() for name in names),
    "answers.jsonl", "ratings.jsonl",
}  # fmt: skip
"""Files that must not only be there but be as their job wrote them."""
OLDER = (
    "made by an earlier version of codealign, which did not note what from: it is made again, and "
    "what it made goes to stale/"
)
ADDED = "the ratings of further judges"
"""Stands beside the jobs' names in what a result notes of its inputs."""
FOLDERS = ("corpus", "templates")
"""Settings that may name a folder of the project by its bare name."""
KNOWN = (*SETS, NANO, "stdlib")
"""Templates and corpora by name: no folder is read, even if there is one that is called so."""
MOST = 64 << 20
"""Bytes of a folder named in the settings that are read; of a larger one names and sizes count."""


@dataclass(frozen=True)
class State:
    """A job's state, why it is not done, and its result marker, current or not ({}: none)."""

    kind: str
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)

    def line(self, job: str) -> str:
        """Return the state as a line of text."""
        line = self.result.get("line", "") if self.kind == DONE else self.reason.split("\n")[0]
        return f"{self.kind:9}{job}" + (f"  {line}" if line else "")


def judge(root: Path, jobs: Iterable[Job]) -> dict[str, State]:
    """Return the state of each job of a run, given after those it needs."""
    states: dict[str, State] = {}
    for job in jobs:
        states[job.name] = _judge(root, job, states)
    return states


def judge_run(root: Path) -> dict[str, State]:
    """Return the state of each job of a run's own plan.

    Raises
    ------
    CodealignError
        The run has no plan that can be read.
    """
    return judge(root, read_plan(root))


def unchanged(root: Path, job: Job) -> bool:
    """Tell whether a job whose needs are done is so itself: their results may be as they were."""
    needs = {need: State(DONE, result=read_result(root, need)) for need in job.needs}
    return _judge(root, job, needs).kind == DONE


def _judge(root: Path, job: Job, needs: Mapping[str, State]) -> State:
    result = read_result(root, job.name)
    reason = _why(root, job, result, needs)
    if not reason:
        return State(DONE, result=result)
    if failure := read_failure(root, job.name, frozen(job)):
        return State(FAILED, failure, result)
    return State(OUTDATED if result else TO_DO, reason, result)


def _why(root: Path, job: Job, result: Mapping[str, Any], needs: Mapping[str, State]) -> str:
    """Return why a job is not done; "" if it is."""
    if not result:
        folder = root / "jobs" / job.name
        if (folder / RESULT).exists():
            return "its result marker cannot be read"
        running = is_held(folder / ".lock")
        return "is running" if running else _after(job, needs) or "has not run"
    source = result.get("made_from")
    if not isinstance(source, dict):
        return OLDER
    if not job.parameters:
        return "its params.yaml cannot be read"
    try:
        settings = deciding(job)
        code = code_of(job.notebook, settings)
    except CodealignError as error:
        return str(error)
    reasons = [
        *differences(source.get("settings", {}), settings),
        *(["the code of its stage"] if source.get("code") != code else []),
        *_other_inputs(source.get("inputs", {}), job, needs),
        *([ADDED] if source.get("inputs", {}).get(ADDED) != _added(root, job.notebook) else []),
    ]
    if reasons:
        more = f"; {len(reasons) - 3} more" if len(reasons) > 3 else ""
        return f"changed: {'; '.join(reasons[:3])}{more}"
    # Last, as it may have to read large files. A job that is itself as it should be still waits for
    # those it needs: what they hand on may come out different.
    return _lacking(root, job, result) or _after(job, needs)


def _after(job: Job, needs: Mapping[str, State]) -> str:
    """Return which of its needs a job must wait for: its inputs may come out different."""
    open_ = [need for need in job.needs if need in needs and needs[need].kind != DONE]
    more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
    return f"after {open_[0]}{more}" if open_ else ""


def _other_inputs(old: Mapping[str, str], job: Job, needs: Mapping[str, State]) -> Iterator[str]:
    for need in job.needs:
        state = needs.get(need)
        if state and state.kind == DONE and old.get(need) != handed_on(job.notebook, state.result):
            yield f"the result of {need}"


def handed_on(reader: str, result: Mapping[str, Any]) -> str:
    """Return a hash of what a notebook reads of the result of a job it needs."""
    reads = NOTEBOOKS[reader].reads
    names = reads.get(notebook_of(str(result.get("job", ""))), ()) if reads else None
    files = result.get("outputs", {})
    read = [(p, files[p][2]) for p in sorted(files) if names is None or Path(p).name in names]
    return stable_id(result.get("stop", ""), read)


def made_from(
    root: Path, notebook: str, settings: Mapping[str, Any], needs: Iterable[str]
) -> dict[str, Any]:
    """Return what a result marker notes for `judge`: settings (`deciding`), code and inputs."""
    return {
        "settings": settings,
        "code": code_of(notebook, settings),
        "inputs": {
            **{need: handed_on(notebook, read_result(root, need)) for need in needs},
            **({ADDED: added} if (added := _added(root, notebook)) else {}),
        },
    }


def _added(root: Path, notebook: str) -> str | None:
    """Return a hash of what `codealign judge` has added to a run, which 06 compares; None: nothing.

    It belongs to no job, and so to no result that 06 is given.
    """
    if notebook != "06_survey_kappa":
        return None
    parts = [part.root / "evals" for part in RunPaths(root).parts()]
    files = sorted(file for evals in parts for file in evals.rglob(FURTHER_RATINGS))
    return stable_id([(os.path.relpath(f, root), file_hash(f)) for f in files]) if files else None


def _lacking(root: Path, job: Job, result: Mapping[str, Any]) -> str:
    """Return which of a job's files are missing or not as it left them; "" if none is."""
    executed = f"notebooks/{job.name}.ipynb"
    missing = [place for place, _ in _unlike(root, result, gone=True)]
    if not (root / executed).is_file() or not (root / executed).stat().st_size:
        missing.insert(0, executed)
    altered = [place for place, _ in _unlike(root, result, gone=False)]
    kinds = [(missing, "missing"), (altered, "not as it was made")]
    return "; ".join(
        f"{places[0]} is {what}" + f" (and {len(places) - 1} more)" * (len(places) > 1)
        for places, what in kinds
        if places
    )


def _unlike(root: Path, result: Mapping[str, Any], gone: bool) -> Iterator[tuple[str, Path]]:
    """Yield the files of a result that are gone or empty, or else those handed on and altered."""
    for place, (size, time, hashed) in result.get("outputs", {}).items():
        path = root / place
        about = path.stat() if path.is_file() else None
        if about is None or (size and not about.st_size):
            if gone:
                yield place, path
        elif not gone and path.name in HANDED_ON:
            # An untouched file is not read: adapters are large, and every call asks.
            same = (about.st_size, about.st_mtime_ns) == (size, time)
            if not same and file_hash(path) != hashed:
                yield place, path


def altered(root: Path, job: str) -> list[Path]:
    """Return the files that a job handed on and that something else has written since."""
    return [path for _, path in _unlike(root, read_result(root, job), gone=False)]


def deciding(job: Job) -> dict[str, Any]:
    """Return the settings that decide a job's result, and what they name outside the run.

    Raises
    ------
    CodealignError
        A fault in the settings.
    """
    given = job.parameters
    decided: dict[str, Any] = {"seed": given.get("seed"), "profile": given.get("profile")}
    for section, cls in SECTIONS.items():
        if section in given:
            settings = validate(cls, given[section], job.name).deciding()
            decided[section] = own_stage(section, settings, given.get("stage", ""))
    if job.gates and "trained" not in given:  # no gate judges a cross-evaluation
        decided["gates"] = job.gates
    prefs = given.get("prefs", {})
    if "model" in given and prefs.get("engine") != "openai":
        decided |= weights(given["model"], given.get("variant") or prefs["variant"])
    return plain(decided)


def own_stage(section: str, settings: dict[str, Any], stage: str) -> dict[str, Any]:
    """Return a section's settings as a job has them: of `align` those of its own technique."""
    return {stage: settings[stage]} if section == "align" else settings


def weights(model: str, variant: Any) -> dict[str, Any]:
    """Return what identifies the weights in a folder of the user's own; {} of other models."""
    try:
        content = identity(model, variant)
    except CodealignError:  # not on this machine: a copy of the run may be
        return {}
    return {"weights": {variant: content}} if content != model else {}


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as JSON has them, with a hash of each file or folder that they name."""
    data = json.loads(json.dumps(settings, default=str))
    named = dict(_named(data))
    return {**data, **({"files": named} if named else {})}


def _named(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts in settings that name something of the user's own, with its content's hash.

    A file or folder, a set of templates, an added benchmark or dimension.
    """
    if isinstance(settings, dict | list):
        inside = settings.items() if isinstance(settings, dict) else ((key, v) for v in settings)
        for name, value in inside:
            yield from _named(value, str(name))
    elif isinstance(settings, str) and settings:
        own = own_benchmarks().get(settings) or own_dimensions().get(settings)
        if own and key in ("benchmarks", "dimensions"):
            yield settings, stable_id(own, _content(own.path))
        text = settings.removeprefix("hub:")
        if "/" in text or "." in text or key in FOLDERS and text not in KNOWN:
            place = None
            with contextlib.suppress(OSError):  # too long for a name: some other text
                place = next((p for p in (Path(text), PROJECT / text) if p.exists()), None)
            if place:
                yield settings, _content(place)


def _content(path: Path) -> str:
    if not path.exists():
        return "missing"
    if path.is_file():
        return file_hash(path)
    files = sorted(p for p in path.rglob("*") if p.is_file() and not _is_private(p, path))
    sizes = [p.stat().st_size for p in files]
    read = sum(sizes) <= MOST
    return stable_id(*((os.path.relpath(p, path), size, file_hash(p) if read else "")
                       for p, size in zip(files, sizes, strict=True)))  # fmt: skip


def _is_private(path: Path, folder: Path) -> bool:
    """Tell whether a file is version control's or Python's own, which no stage reads."""
    return any(x.startswith(".") or x == "__pycache__" for x in path.relative_to(folder).parts)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the settings that differ, e.g. `sft.epochs 1.0 -> 2.0`.

    Weights and files that are not on this machine are taken to be as they were.
    """
    changed = []
    for key in dict.fromkeys([*new, *old]):
        one, other, place = old.get(key), new.get(key), f"{above}{key}"
        if one == other or (above in ("files.", "weights.") and other is None):
            continue
        if key in ("files", "weights") and not above:
            changed += differences(one or {}, other or {}, f"{key}.")
        elif isinstance(one, dict) and isinstance(other, dict):
            changed += differences(one, other, f"{place}.")
        else:
            hashed = above in ("files.", "weights.")
            changed.append(f"{place}" if hashed else f"{place} {_short(one)} -> {_short(other)}")
    return changed


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def state_lines(states: Mapping[str, State]) -> list[str]:
    """Return one line per job and a closing count."""
    count = Counter(state.kind for state in states.values())
    counted = [f"{count[kind]} {kind}" for kind in (DONE, OUTDATED, FAILED, TO_DO) if count[kind]]
    return [*(state.line(job) for job, state in states.items()), ", ".join(counted)]
