"""The blocks of the report's pages, each from files of the run."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from codealign.paths import RunPaths
from codealign.report.claims import ledger_block
from codealign.report.page import Block, row, table

NUMBER_CELL = re.compile(r"<td>(?=[-+]?\d[^<]{,40}</td>)")
OVERVIEW_FIGURE = "scores_functional"


def blocks(paths: RunPaths, pages: dict[str, str]) -> dict[str, list[Block]]:
    """Return the blocks of each page of `page.PAGES`; the overview has the answer first.

    Parameters
    ----------
    pages : page of each executed notebook, by job name.
    """
    figures = _figures(paths)
    return {
        "index": _overview(paths, pages, figures),
        "tables": _tables(paths),
        "figures": figures,
        "claims": [Block("ledger", "The paper's claims", _ledger(paths))],
        "findings": _findings(paths, figures),
        "advice": [_markdown(paths, "advice", "Advice from this run", "advice.md")],
        "provenance": [Block("provenance", "What made this run", _provenance(paths))],
    }


def _overview(paths: RunPaths, pages: dict[str, str], figures: list[Block]) -> list[Block]:
    return [
        _markdown(paths, "answer", "Which pathway won, for what, and how sure?", "answer.md"),
        _markdown(paths, "summary", "Scores", "summary.md", _files("tables", paths, "summary")),
        *[f for f in figures if f.anchor == OVERVIEW_FIGURE],
        Block("run", "What was run", _jobs(paths, pages)),
    ]


def _findings(paths: RunPaths, figures: list[Block]) -> list[Block]:
    """The run beside O1-O20, and what its seeds, cross-evaluations and ablations say."""
    title = "The paper's observations O1 to O20 and this run"
    study = "Seeds, the other requirement's benchmarks, ablations"
    return [
        _markdown(paths, "findings", title, "findings.md", _files("tables", paths, "findings")),
        _markdown(paths, "study", study, "study.md", _files("tables", paths, "study_*")),
        *[f for f in figures if f.anchor.startswith("study_")],
    ]


def render_markdown(text: str) -> str:
    """Return HTML of CommonMark with tables; raw HTML in it is shown, not interpreted."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    opened = '<div class="wide" tabindex="0" role="region" aria-label="table"><table>'
    html = NUMBER_CELL.sub('<td class="num">', html)
    return html.replace("<table>", opened).replace("</table>", "</table></div>")


def _missing(name: str) -> str:
    said = f"Not there: {escape(name)}. The job that writes it has not finished."
    return f'<p class="failed">{said}</p>'


def _markdown(paths: RunPaths, anchor: str, title: str, name: str, below: str = "") -> Block:
    path = paths.tables / name
    if not path.exists():
        return Block(anchor, title, _missing(name))
    return Block(anchor, title, render_markdown(path.read_text(encoding="utf-8")) + below)


def _ledger(paths: RunPaths) -> str:
    path = paths.tables / "claims.csv"
    return ledger_block(path) if path.exists() else _missing(path.name)


def _jobs(paths: RunPaths, pages: dict[str, str]) -> str:
    """Every planned job with its closing line and a link to its executed notebook."""
    lock = json.loads((paths.root / "plan.lock.json").read_text(encoding="utf-8"))["jobs"]
    rows, facts = [], {}
    for job in lock:
        result = paths.jobs / job / "result.json"
        link = f'<a href="{pages[job]}">{escape(job)}</a>' if job in pages else escape(job)
        if result.exists():
            found = json.loads(result.read_text(encoding="utf-8"))
            rows.append(row([link, escape(found["line"]), f"{found['seconds']:.0f}"]))
            facts = found["provenance"]
        else:
            rows.append(row([link, '<span class="failed">not finished</span>', ""]))
    said = ", ".join(f"{key} {facts[key]}" for key in ("seed", "device", "commit") if key in facts)
    about = f"<p>Profile {escape(paths.root.name)}, {escape(said)}.</p>"
    jobs = table(["job", "result", "seconds"], rows, "Notebook jobs, in the order of the plan")
    return about + jobs


def _files(folder: str, paths: RunPaths, stem: str) -> str:
    """Return download links to every format of one table or figure."""
    found = sorted((paths.root / folder).glob(f"{stem}.*"))
    links = "".join(f'<a href="{folder}/{p.name}" download>{_named(p)}</a>' for p in found)
    return f'<p class="files">Download: {links}</p>'


def _named(path: Path) -> str:
    stem = escape(path.stem.replace("_", " "))
    return f'<span class="unseen">{stem} as </span>{path.suffix[1:].upper()}'


def _title(stem: str) -> str:
    return re.sub(r"^(table|figure)(?=\d)", r"\1 ", stem).replace("_", " ").capitalize()


def _tables(paths: RunPaths) -> list[Block]:
    stems = [path.stem for path in sorted(paths.tables.glob("table*.md"))]
    found = [
        _markdown(paths, stem, _title(stem), f"{stem}.md", _files("tables", paths, stem))
        for stem in stems
    ]
    return found or [Block("tables", "Tables", _missing("tables"))]


def _figures(paths: RunPaths) -> list[Block]:
    captions = paths.figures / "captions.json"
    if not captions.exists():
        return [Block("figures", "Figures", _missing("figures"))]
    told = json.loads(captions.read_text(encoding="utf-8"))
    return [_figure(paths, stem, caption) for stem, caption in told.items()]


def _figure(paths: RunPaths, stem: str, caption: str) -> Block:
    image = f'<img src="figures/{stem}.svg" alt="{escape(caption)}" loading="lazy">'
    said = f"<figcaption>{escape(caption)}{_files('figures', paths, stem)}</figcaption>"
    return Block(stem, _title(stem), f"<figure>{image}{said}</figure>")


def _provenance(paths: RunPaths) -> str:
    results = sorted(paths.jobs.glob("*/result.json"), key=lambda p: p.stat().st_mtime)
    if not results:
        return _missing("results")
    found = json.loads(results[-1].read_text(encoding="utf-8"))["provenance"]
    return f'<pre tabindex="0">{escape(json.dumps(found, indent=1))}</pre>'
