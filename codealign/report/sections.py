"""The blocks of the report's pages, each from files of the run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from codealign.analysis import labels
from codealign.analysis.figures.stages import curves_in_words, training_curves
from codealign.analysis.figures.style import read_captions, rendered, styled
from codealign.analysis.tables.study import NO_FINDINGS
from codealign.cell import Cell
from codealign.paths import RunPaths
from codealign.records import PATHWAY, REQUIREMENTS, STAGES, VARIANTS, read_jsonl
from codealign.report import overview
from codealign.report.advice import TITLE as ADVICE
from codealign.report.advice import advice_blocks
from codealign.report.claims import ledger_block
from codealign.report.foreign import render_markdown
from codealign.report.page import PageSection, parts, render, wide
from codealign.report.provenance import provenance_blocks
from codealign.report.samples import first_part, samples_block
from codealign.workflow.state import State, judge_run

ANSWER, OVERVIEW_FIGURE, LEDGER = "answer", "scores_functional", "claims"
"""Figures that stand on other pages, too."""
SIZE = re.compile(r'<svg [^>]*\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
NO_LINKS = Markup()
PAPERS = {f"figure{n}": f"Figure {n}" for n in range(1, 7)}
"""Figures that the paper prints, most of them examples and diagrams: the run's own come first."""
TABLES = {
    "table1": "Table 1", "table2": "Table 2",
    "table3": "Table 3", "table3_intervals": "Table 3, intervals",
    "table4": "Table 4", "table4_intervals": "Table 4, intervals",
    "table5": "Table 5", "table5_intervals": "Table 5, intervals",
    "table6": "Table 6", "table7": "Table 7", "table_agreement": "Agreement of judges",
}  # fmt: skip
"""What the tables (`analysis.tables.build_tables`) are called, in their order on the page."""
ENLARGED = 1.8
"""Pixels on the screen for a point of a figure, so that its smallest print can be read."""


def blocks(paths: RunPaths, pages: dict[str, str]) -> dict[str, list[PageSection]]:
    """Return the blocks of each page of `page.PAGES`; the overview has the answer first.

    Parameters
    ----------
    pages : page of each executed notebook, by job name.
    """
    figures, states = _figures(paths), judge_run(paths.root)
    return {
        "index": _overview(paths, figures, states),
        "samples": [samples_block(paths)],
        "tables": _tables(paths),
        "figures": list(figures.values()),
        "training": _training(paths),
        "claims": [PageSection("ledger", "The paper's claims", _ledger(paths, figures))],
        "findings": _findings(paths, figures),
        "advice": _advice(paths),
        "notebooks": [overview.jobs(states, pages)],
        "provenance": provenance_blocks(paths, states),
    }


def _overview(
    paths: RunPaths, figures: Mapping[str, PageSection], states: Mapping[str, State]
) -> list[PageSection]:
    picture = figures[ANSWER].body if ANSWER in figures else ""
    if (paths.tables / "answer.csv").exists():
        first = overview.answer(paths, picture)
    else:
        first = PageSection("answer", overview.ANSWER, _missing("answer.csv"))
    return [
        first,
        *overview.more(paths),
        _markdown(paths, "summary", "Scores"),
        *[figures[stem] for stem in (OVERVIEW_FIGURE,) if stem in figures],
        overview.was_run(paths, states),
    ]


def _findings(paths: RunPaths, figures: Mapping[str, PageSection]) -> list[PageSection]:
    """The run beside O1-O20, and what its seeds, cross-evaluations and ablations say.

    With one seed nothing is held against any of them: one sentence says so.
    """
    title = "The paper's observations O1 to O20 and this run"
    path = paths.tables / "findings.csv"
    if path.exists() and pd.read_csv(path).empty:
        return [PageSection("findings", title, render_markdown(NO_FINDINGS, title))]
    study = "Seeds, the other requirement's benchmarks, ablations"
    return [
        _markdown(paths, "findings", title, short="O1 to O20"),
        _markdown(paths, "study", study, "study_*"),
        *[block for stem, block in figures.items() if stem.startswith("study_")],
    ]


def _advice(paths: RunPaths) -> list[PageSection]:
    lacking = [n for n in ("advice.md", "advice.csv") if not (paths.tables / n).exists()]
    if lacking:
        return [PageSection("advice", ADVICE, _missing(lacking[0]))]
    return advice_blocks(paths, _files("tables", paths, "advice"))


def _missing(name: str) -> Markup:
    sentence = f"Not there: {name}. The job that writes it has not finished."
    return parts.paragraph(sentence, failed=True)


def _markdown(
    paths: RunPaths, stem: str, title: str, files: str = "", short: str = ""
) -> PageSection:
    """Return a Markdown file of the tables as a block, and links to its formats (or `files`)."""
    path = paths.tables / f"{stem}.md"
    if not path.exists():
        return PageSection(stem, title, _missing(path.name), short)
    body = render_markdown(path.read_text(encoding="utf-8"), title)
    return PageSection(stem, title, body + _files("tables", paths, files or stem), short)


def _ledger(paths: RunPaths, figures: Mapping[str, PageSection]) -> Markup:
    path = paths.tables / "claims.csv"
    picture = Markup(figures[LEDGER].body) if LEDGER in figures else Markup()
    return picture + ledger_block(path) if path.exists() else _missing(path.name)


def _files(folder: str, paths: RunPaths, stem: str) -> Markup:
    """Return download links to every format of one table or figure, "" if there is none."""
    files = sorted((paths.root / folder).glob(f"{stem}.*"))
    several = len({path.stem for path in files}) > 1
    named = [(f"{folder}/{p.name}", p.stem.replace("_", " "), p.suffix[1:].upper()) for p in files]
    return render("files", files=named, several=several) if files else Markup()


def _tables(paths: RunPaths) -> list[PageSection]:
    there = {stem: name for stem, name in TABLES.items() if (paths.tables / f"{stem}.md").exists()}
    tables = [_markdown(paths, stem, name) for stem, name in there.items()]
    return tables or [PageSection("tables", "Tables", _missing("tables"))]


def _figures(paths: RunPaths) -> dict[str, PageSection]:
    texts = read_captions(paths.figures)
    if not texts:
        return {"": PageSection("figures", "Figures", _missing("figures"))}
    order = sorted(texts, key=lambda stem: stem in PAPERS)
    return {stem: _figure(paths, stem, **texts[stem]) for stem in order}


def _figure(paths: RunPaths, stem: str, title: str, caption: str, alt: str) -> PageSection:
    """Return a figure under its title; the paper's are named by their number, too."""
    place = f"figures/{stem}.svg"
    body = _picture(paths.root / place, place, title, caption, _files("figures", paths, stem), alt)
    number = PAPERS.get(stem, "")
    return PageSection(stem, f"{number}. {title}" if number else title, body, number)


def _picture(
    file: Path, source: str, title: str, caption: str, links: Markup = NO_LINKS, alt: str = ""
) -> Markup:
    """Return a figure in a box that scrolls, at a size at which its print can be read."""
    size = SIZE.search(file.read_text(encoding="utf-8")[:2000])
    width, height = (float(s) * ENLARGED for s in (size.groups() if size else (400, 300)))
    return render(
        "figure", source=source, caption=caption, alt=alt or caption, width=f"{width:.0f}",
        height=f"{height:.0f}", box=wide(f"{title} (figure)"), links=links,
    )  # fmt: skip


def _training(paths: RunPaths) -> list[PageSection]:
    """Return the curves of every stage that the first seed has trained."""
    places = product(REQUIREMENTS, VARIANTS, STAGES)
    folders = [
        folder
        for requirement, variant, stage in places
        for folder in first_part(paths).root.glob(f"checkpoints/*/{variant}/{requirement}/{stage}")
        if (folder / "training.json").exists()  # written at the end of a training
    ]
    none = PageSection("training", "Training curves", parts.paragraph("No training has finished."))
    return [_curves(paths, folder) for folder in folders] or [none]


def _curves(paths: RunPaths, folder: Path) -> PageSection:
    """Return one stage's curves; they are drawn beside the report where its log is newer."""
    cell = Cell.parse(folder.relative_to(first_part(paths).root).as_posix())
    model, variant, requirement, stage = cell.model, cell.variant, cell.requirement, cell.stage
    short = f"{PATHWAY[variant]} {labels.STAGES[stage]}, {labels.REQUIREMENTS[requirement]}"
    place = f"training/{model}-{variant}-{requirement}-{stage}.svg"
    target, log = paths.report / place, folder / "trainer_log.jsonl"
    facts = json.loads((folder / "training.json").read_text("utf-8"))
    steps = [row for row in read_jsonl(log, dict) if "loss" in row]
    if not target.exists() or target.stat().st_mtime < log.stat().st_mtime:
        drawn = training_curves(steps, short, facts.get("target"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with styled():
            target.write_bytes(rendered(drawn.figure, "svg", alt=drawn.alt))
    title = f"{model}, {short}"
    caption = f"{facts['steps']:,} steps on {facts['examples']:,} examples."
    picture = _picture(target, place, title, caption, alt=curves_in_words(steps))
    return PageSection(f"{stage}-{variant}-{requirement}-{model}", title, picture, short)
