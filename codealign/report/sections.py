"""The blocks of the report's pages, each from files of the run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from codealign.paths import RunPaths
from codealign.report import overview
from codealign.report.claims import ledger_block
from codealign.report.foreign import render_markdown
from codealign.report.page import Block, boxed
from codealign.report.provenance import provenance_blocks
from codealign.workflow.state import State, judge_run

OVERVIEW_FIGURE = "scores_functional"
SIZE = re.compile(r'<svg [^>]*\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
ENLARGED = 1.8
"""Pixels on the screen for a point of a figure, so that its smallest print can be read."""


def blocks(paths: RunPaths, pages: dict[str, str]) -> dict[str, list[Block]]:
    """Return the blocks of each page of `page.PAGES`; the overview has the answer first.

    Parameters
    ----------
    pages : page of each executed notebook, by job name.
    """
    figures, states = _figures(paths), judge_run(paths.root)
    return {
        "index": _overview(paths, figures, states),
        "tables": _tables(paths),
        "figures": figures,
        "claims": [Block("ledger", "The paper's claims", _ledger(paths))],
        "findings": _findings(paths, figures),
        "advice": [_markdown(paths, "advice", "Advice from this run")],
        "notebooks": [overview.jobs(states, pages)],
        "provenance": provenance_blocks(states),
    }


def _overview(paths: RunPaths, figures: list[Block], states: Mapping[str, State]) -> list[Block]:
    answered = (paths.tables / "answer.csv").exists()
    missing = Block("answer", overview.ANSWER, _missing("answer.csv"))
    return [
        overview.answer(paths) if answered else missing,
        *overview.more(paths),
        _markdown(paths, "summary", "Scores"),
        *[f for f in figures if f.anchor == OVERVIEW_FIGURE],
        overview.was_run(paths, states),
    ]


def _findings(paths: RunPaths, figures: list[Block]) -> list[Block]:
    """The run beside O1-O20, and what its seeds, cross-evaluations and ablations say."""
    title = "The paper's observations O1 to O20 and this run"
    study = "Seeds, the other requirement's benchmarks, ablations"
    return [
        _markdown(paths, "findings", title, short="O1 to O20"),
        _markdown(paths, "study", study, "study_*"),
        *[f for f in figures if f.anchor.startswith("study_")],
    ]


def _missing(name: str) -> str:
    said = f"Not there: {escape(name)}. The job that writes it has not finished."
    return f'<p class="failed">{said}</p>'


def _markdown(paths: RunPaths, stem: str, title: str, files: str = "", short: str = "") -> Block:
    """Return a Markdown file of the tables as a block, and links to its formats (or `files`)."""
    path = paths.tables / f"{stem}.md"
    if not path.exists():
        return Block(stem, title, _missing(path.name), short)
    body = render_markdown(path.read_text(encoding="utf-8"), title)
    return Block(stem, title, body + _files("tables", paths, files or stem), short)


def _ledger(paths: RunPaths) -> str:
    path = paths.tables / "claims.csv"
    return ledger_block(path) if path.exists() else _missing(path.name)


def _files(folder: str, paths: RunPaths, stem: str) -> str:
    """Return download links to every format of one table or figure, "" if there is none."""
    found = sorted((paths.root / folder).glob(f"{stem}.*"))
    several = len({path.stem for path in found}) > 1
    links = "".join(
        f'<a href="{folder}/{p.name}" download>{_named(p, seen=several)}</a>' for p in found
    )
    return f'<p class="files">Download: {links}</p>' if found else ""


def _named(path: Path, seen: bool) -> str:
    stem = escape(path.stem.replace("_", " "))
    said = f"{stem}, " if seen else f'<span class="unseen">{stem} as </span>'
    return said + path.suffix[1:].upper()


def _tables(paths: RunPaths) -> list[Block]:
    found = [_table(paths, path.stem) for path in sorted(paths.tables.glob("table*.md"))]
    return found or [Block("tables", "Tables", _missing("tables"))]


def _table(paths: RunPaths, stem: str) -> Block:
    """Return a table under its own caption."""
    title, _, rest = (paths.tables / f"{stem}.md").read_text(encoding="utf-8").partition("\n")
    title = re.sub(r"\\(.)", r"\1", title.removeprefix("**").removesuffix("**"))
    body = render_markdown(rest, title) + _files("tables", paths, stem)
    short = re.sub(r"^table_?(?=\D)|^(table)(?=\d)", r"\1 ", stem).replace("_", " ").strip()
    return Block(stem, title, body, short.capitalize())


def _figures(paths: RunPaths) -> list[Block]:
    captions = paths.figures / "captions.json"
    if not captions.exists():
        return [Block("figures", "Figures", _missing("figures"))]
    told = json.loads(captions.read_text(encoding="utf-8"))
    return [_figure(paths, stem, caption) for stem, caption in told.items()]


def _figure(paths: RunPaths, stem: str, caption: str) -> Block:
    """Return a figure with its caption, whose first words are the heading."""
    width, height = _size(paths.figures / f"{stem}.svg")
    size = f'width="{width:.0f}" height="{height:.0f}"'
    image = f'<img src="figures/{stem}.svg" alt="{escape(caption)}" {size} loading="lazy">'
    said = f"<figcaption>{escape(caption)}{_files('figures', paths, stem)}</figcaption>"
    title = re.match(r"(Figure \d+\. )?[^.:;,]+", caption)[0]
    named = f"{title} (figure)"
    body = f"<figure>{boxed(image, named)}{said}</figure>"
    return Block(stem, title, body, title.split(". ")[0])


def _size(figure: Path) -> tuple[float, float]:
    """Return width and height to show a figure at, in pixels."""
    found = SIZE.search(figure.read_text(encoding="utf-8")[:2000])
    width, height = map(float, found.groups()) if found else (400.0, 300.0)
    return width * ENLARGED, height * ENLARGED
