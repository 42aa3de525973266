"""The report and the closing text of a run, made anew only if something they show has changed."""

from __future__ import annotations

import json
from pathlib import Path

from codealign.paths import PACKAGE, RunPaths
from codealign.provenance import file_hash
from codealign.records import stable_id, write_text
from codealign.workflow.markers import FAILURE, RESULT, read_marker

KEPT = ".closing.json"
"""In the report's folder: what it was made from, its pages, and the text that closes a run."""
SHOWN = ("tables", "figures", "notebooks", "evals", "prefs", "checkpoints")
"""Folders of a run whose files a report shows or counts."""


def closing(paths: RunPaths) -> tuple[Path, str]:
    """Return the report's first page and the closing text, built anew if need be.

    A run of which nothing changed, nor the code that shows it, keeps both: what loads the tables
    and draws the pages takes most of the time of a call that has nothing to do.
    """
    index, kept = paths.report / "index.html", read_marker(paths.report / KEPT)
    source = source_hash(paths)
    if kept.get("made_from") == source and kept.get("pages") == pages(paths.report):
        return index, kept["text"]
    from codealign.analysis.answer import closing_text
    from codealign.report import build_report

    index = build_report(paths)
    text = closing_text(paths.root)
    facts = {"made_from": source, "pages": pages(paths.report), "text": text}
    write_text(paths.report / KEPT, json.dumps(facts) + "\n")
    return index, text


def source_hash(paths: RunPaths) -> str:
    """Return a hash of the package's files and the markers, and of what else is in the run.

    Of the run's other files size and time count: a wrong guess only builds the report once more.
    """
    read = [p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".yaml", ".css", ".js", ".html")]
    read += [p for name in (RESULT, FAILURE) for p in paths.jobs.glob(f"*/{name}")]
    read += [*paths.root.glob("*.json"), *paths.root.glob("*.csv")]
    shown = [p for part in paths.parts() for name in SHOWN for p in (part.root / name).rglob("*")]
    about = [(p, p.stat()) for p in sorted(shown) if p.is_file()]
    return stable_id(
        [(str(p), file_hash(p)) for p in sorted(read)],
        [(str(p), stat.st_size, stat.st_mtime_ns) for p, stat in about],
    )


def pages(report: Path) -> int:
    """Return how many pages a report has."""
    return sum(1 for _ in report.rglob("*.html"))
