"""What made a run: for readers, and whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from codealign.paths import RunPaths, notebook_of
from codealign.report.page import PageSection, parts, render, table
from codealign.workflow.markers import PARAMS
from codealign.workflow.plan import read_parameters
from codealign.workflow.state import State

HEAD = ["What", "Value"]
PARTS = ("versions", "settings", "job")


def provenance_blocks(paths: RunPaths, states: Mapping[str, State]) -> list[PageSection]:
    """Return what made the run: how to repeat it, what it cost, commit, versions, settings.

    Jobs that were run with different values of something have all of them listed. The settings are
    those of the first job of a stage: its other jobs have the same, but for what a study varies.
    """
    results = {job: state.result for job, state in states.items() if state.result}
    headers = [result["provenance"] for result in results.values()]
    if not headers:
        body = parts.paragraph("No job has finished.", failed=True)
        return [PageSection("provenance", "What made this run", body)]
    facts = _each([{k: v for k, v in one.items() if k not in PARTS} for one in headers])
    settings: dict[str, Any] = {}
    for one in headers:
        settings |= {k: v for k, v in one.get("settings", {}).items() if k not in settings}
    versions = _each([one.get("versions", {}) for one in headers])
    given = (read_parameters(paths.jobs / job / PARAMS) for job in states)
    profile = next((one["profile"] for one in given if "profile" in one), paths.root.name)
    command, changed = _command(profile, str(headers[-1].get("commit", "")))
    run = render(
        "provenance", command=command, changed=changed, facts=_pairs("The run", facts),
        costs=_costs(paths, results),
    )  # fmt: skip
    last = json.dumps(headers[-1], indent=1)
    return [
        PageSection("made", "What made this run", run),
        PageSection("versions", "Libraries", _pairs("Versions", versions)),
        *(
            PageSection(
                f"set-{section}", f"Settings: {section}", _pairs(section, _flat(values)), section
            )
            for section, values in settings.items()
        ),
        PageSection("json", "As JSON", render("last_job", last=last)),
    ]


def _command(profile: str, commit: str) -> tuple[str, bool]:
    """Return the commands that repeat the run, and whether its code had changes of its own."""
    known, _, changes = commit.partition("+")
    lines = [f"git checkout {known}"] * (known not in ("", "unknown"))
    lines.append(f"codealign reproduce --params params/{profile}.yaml")
    return "\n".join(lines), bool(changes)


def _costs(paths: RunPaths, results: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Return a table of time by notebook, and of the driver's last call with its memory."""
    spent: dict[str, list[float]] = {}
    for job, result in results.items():
        spent.setdefault(notebook_of(job), []).append(result["seconds"] / 60)
    rows = [[name, str(len(each)), f"{sum(each):.1f}"] for name, each in sorted(spent.items())]
    costs = table(["Notebook", "Jobs", "Minutes"], rows, "Time of each notebook's jobs")
    if not (paths.root / "cost.json").exists():
        return costs
    cost = json.loads((paths.root / "cost.json").read_text("utf-8"))
    facts = {
        "processor": cost.get("processor", ""), "cores": cost["cores"], "jobs": cost["jobs"],
        "minutes": f"{cost['seconds'] / 60:.1f}",
        "largest process": f"{cost['peak_mb']:,} MiB" if cost.get("peak_mb") else "",
    }  # fmt: skip
    return costs + _pairs("The last call of the driver", {k: v for k, v in facts.items() if v})


def _each(dicts: list[dict[str, Any]]) -> dict[str, str]:
    """Return for each key the different values it has, as text."""
    keys = dict.fromkeys(key for one in dicts for key in one)
    return {key: ", ".join(dict.fromkeys(_text(d[key]) for d in dicts if key in d)) for key in keys}


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings as one level, with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        place = f"{above}{name}"
        flat |= _flat(value, f"{place}.") if isinstance(value, dict) and value else {place: value}
    return flat


def _pairs(caption: str, facts: dict[str, Any]) -> Markup:
    rows = [[name, _text(value)] for name, value in facts.items()]
    return table(HEAD, rows, caption, kind="facts")


def _text(value: Any) -> str:
    return value if value and isinstance(value, str) else json.dumps(value)
