"""What made a run: for readers, and whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from codealign.report.page import Block, row, table
from codealign.workflow.state import State

HEAD = ["What", "Value"]
PARTS = ("versions", "settings", "job")


def provenance_blocks(states: Mapping[str, State]) -> list[Block]:
    """Return what made the run: commit, device, seeds, versions, the settings of each stage.

    Jobs that were run with different values of something have all of them listed. The settings are
    those of the first job of a stage: its other jobs have the same, but for what a study varies.
    """
    found = [state.result["provenance"] for state in states.values() if state.result]
    if not found:
        said = '<p class="failed">No job has finished.</p>'
        return [Block("provenance", "What made this run", said)]
    facts = [{k: v for k, v in one.items() if k not in PARTS} for one in found]
    settings: dict[str, Any] = {}
    for one in found:
        settings |= {k: v for k, v in one.get("settings", {}).items() if k not in settings}
    versions = _each([one.get("versions", {}) for one in found])
    last = escape(json.dumps(found[-1], indent=1))
    shown = f"<details><summary>Provenance of the last job</summary><pre>{last}</pre></details>"
    return [
        Block("made", "What made this run", _pairs("The run", _each(facts))),
        Block("versions", "Libraries", _pairs("Versions", versions)),
        *(
            Block(f"set-{section}", f"Settings: {section}", _pairs(section, _flat(values)), section)
            for section, values in settings.items()
        ),
        Block("json", "As JSON", f"{shown}<p>Every job's: <code>jobs/*/result.json</code>.</p>"),
    ]


def _each(dicts: list[dict[str, Any]]) -> dict[str, str]:
    """Return for each key the different values it has, as text."""
    keys = dict.fromkeys(key for one in dicts for key in one)
    return {key: ", ".join(dict.fromkeys(_said(d[key]) for d in dicts if key in d)) for key in keys}


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings as one level, with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        place = f"{above}{name}"
        flat |= _flat(value, f"{place}.") if isinstance(value, dict) and value else {place: value}
    return flat


def _pairs(caption: str, facts: dict[str, Any]) -> str:
    rows = [row(HEAD, [escape(name), escape(_said(value))]) for name, value in facts.items()]
    return table(HEAD, rows, caption, kind="facts")


def _said(value: Any) -> str:
    return value if value and isinstance(value, str) else json.dumps(value)
