"""The sections of the report's first page, each from files of the run."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from codealign.paths import RunPaths
from codealign.report.page import Block, table

FORMATS = ("svg", "pdf", "png")


def sections(paths: RunPaths, pages: dict[str, str]) -> list[Block]:
    """Return the blocks of the first page, the answer first.

    Parameters
    ----------
    pages : page of each executed notebook, by job name.
    """
    return [
        _markdown(paths, "summary", "What came out", "summary.md"),
        Block("run", "What was run", _jobs(paths, pages)),
        Block("tables", "Tables", _tables(paths)),
        Block("figures", "Figures", _figures(paths)),
        _markdown(paths, "claims", "The paper's claims", "claims.md"),
        _markdown(paths, "advice", "Advice from this run", "advice.md"),
        Block("provenance", "Provenance", _provenance(paths)),
    ]


def render_markdown(text: str) -> str:
    """Return HTML of CommonMark with tables; raw HTML in it is shown, not interpreted."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    opened = '<div class="wide" tabindex="0" role="region" aria-label="table"><table>'
    return html.replace("<table>", opened).replace("</table>", "</table></div>")


def _missing(name: str) -> str:
    said = f"Not there: {escape(name)}. The job that writes it has not finished."
    return f'<p class="failed">{said}</p>'


def _markdown(paths: RunPaths, anchor: str, title: str, name: str) -> Block:
    path = paths.tables / name
    body = render_markdown(path.read_text(encoding="utf-8")) if path.exists() else _missing(name)
    return Block(anchor, title, body)


def _jobs(paths: RunPaths, pages: dict[str, str]) -> str:
    """Every planned job with its closing line and a link to its executed notebook."""
    lock = json.loads((paths.root / "plan.lock.json").read_text(encoding="utf-8"))["jobs"]
    rows, facts = [], {}
    for job in lock:
        result = paths.jobs / job / "result.json"
        link = f'<a href="{pages[job]}">{escape(job)}</a>' if job in pages else escape(job)
        if result.exists():
            found = json.loads(result.read_text(encoding="utf-8"))
            rows.append([link, escape(found["line"]), f"{found['seconds']:.0f}"])
            facts = found["provenance"]
        else:
            rows.append([link, '<span class="failed">not finished</span>', ""])
    said = ", ".join(f"{key} {facts[key]}" for key in ("seed", "device", "commit") if key in facts)
    about = f"<p>Profile {escape(paths.root.name)}, {escape(said)}.</p>"
    jobs = table(["job", "result", "seconds"], rows, "Notebook jobs, in the order of the plan")
    return about + jobs


def _files(folder: str, paths: list[Path]) -> str:
    links = "".join(f'<a href="{folder}/{p.name}">{p.suffix[1:]}</a>' for p in sorted(paths))
    return f'<p class="files">{links}</p>'


def _tables(paths: RunPaths) -> str:
    parts = []
    for path in sorted(paths.tables.glob("table*.md")):
        body = render_markdown(path.read_text(encoding="utf-8"))
        files = _files("tables", list(paths.tables.glob(f"{path.stem}.*")))
        parts.append(f"<details open>{_summary(path.stem)}{body}{files}</details>")
    return "".join(parts) or _missing("tables")


def _summary(stem: str) -> str:
    return f"<summary>{escape(stem.replace('_', ' ').capitalize())}</summary>"


def _figures(paths: RunPaths) -> str:
    captions = paths.figures / "captions.json"
    if not captions.exists():
        return _missing("figures")
    parts = []
    for stem, caption in json.loads(captions.read_text(encoding="utf-8")).items():
        files = [p for f in FORMATS if (p := paths.figures / f"{stem}.{f}").exists()]
        image = f'<img src="figures/{stem}.svg" alt="{escape(caption)}" loading="lazy">'
        said = f"<figcaption>{escape(caption)}{_files('figures', files)}</figcaption>"
        parts.append(f'<figure id="{stem}">{image}{said}</figure>')
    return "".join(parts)


def _provenance(paths: RunPaths) -> str:
    results = sorted(paths.jobs.glob("*/result.json"), key=lambda p: p.stat().st_mtime)
    if not results:
        return _missing("results")
    found = json.loads(results[-1].read_text(encoding="utf-8"))["provenance"]
    return f"<pre>{escape(json.dumps(found, indent=1))}</pre>"
