"""A finished study reduced to what is committed as the reference result."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from PIL import Image

from codealign.analysis.figures.style import CAPTIONS
from codealign.errors import CodealignError
from codealign.paths import PROJECT, RunPaths
from codealign.records import write_text
from codealign.workflow.plan import read_plan

TABLES = ("*.md", "answer.csv", "study*.csv")
FIGURES = ("*.svg", "*.csv", CAPTIONS)
LONGEST = 20_000
"""Characters kept of one output; what is longer (a log) is cut, and says so."""
WIDEST = 800
"""Pixels of a kept picture's width, about 100 dpi at the width of a page."""
COLOURS = 64
"""Of a kept picture: charts have few, and a palette makes their files a quarter as large."""


def keep(paths: RunPaths, out: Path) -> list[Path]:
    """Copy a study's reference result to `out`, replacing an older one; return the paths.

    Kept are `seeds.csv` (mean and spread of every cell), the tables (the answer and the study's own
    with their data), the figures as SVG with their data, what made them (`made_by.json`), and the
    executed notebooks of the base models, of the first seed's main cells and of the whole, with
    small pictures, without times and absolute paths.

    Raises
    ------
    CodealignError
        A job of the run's plan has not finished.
    """
    jobs = _planned(paths)
    for folder in ("tables", "figures", "notebooks"):
        shutil.rmtree(out / folder, ignore_errors=True)
    written = [_text(out / "seeds.csv", (paths.tables / "seeds.csv").read_text("utf-8"))]
    for source in [path for pattern in TABLES for path in sorted(paths.tables.glob(pattern))]:
        written.append(_text(out / "tables" / source.name, source.read_text("utf-8")))
    for source in [path for pattern in FIGURES for path in sorted(paths.figures.glob(pattern))]:
        written.append(_text(out / "figures" / source.name, source.read_text("utf-8")))
    for job in jobs:
        executed = nbformat.read(paths.notebooks / f"{job}.ipynb", as_version=4)
        target = out / "notebooks" / f"{job}.ipynb"
        written.append(_text(target, nbformat.writes(stripped(executed)) + "\n"))
    return [*written, _text(out / "made_by.json", _made_by(paths))]


def _text(path: Path, text: str) -> Path:
    """Write a text without the places where the project and its environment happened to lie."""
    for place in (str(PROJECT), sys.prefix):
        text = text.replace(f"{place}/", "").replace(place, ".")
    write_text(path, text)
    return path


def _planned(paths: RunPaths) -> list[str]:
    """Return the jobs whose notebooks are kept: of the whole run, and of the first seed."""
    jobs = {job.name: job.parameters["run"] for job in read_plan(paths.root)}
    unfinished = [job for job in jobs if not (paths.jobs / job / "result.json").exists()]
    if unfinished:
        raise CodealignError(
            f"{paths.root}: {len(unfinished)} jobs have not finished, e.g. {unfinished[0]}; run "
            "`codealign reproduce` again"
        )
    # A part goes by its suffix: the folder that a plan names may have been moved since.
    main = [part.suffix for part in paths.parts() if part.suffix and not part.ablation]
    kept = ((), *main[:1])
    return [job for job, part in jobs.items() if RunPaths(Path(part)).suffix in kept]


def stripped(notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook with small pictures, without times and overlong outputs."""
    notebook.metadata.pop("papermill", None)
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [_short(output) for output in cell.outputs]
    return notebook


def _short(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        output.text = _cut(output.text)
    data: dict[str, Any] = output.get("data", {})
    for kind, value in data.items():
        if kind == "image/png":
            data[kind] = _small(value)
        elif isinstance(value, str) and not kind.startswith("image/"):
            data[kind] = _cut(value)
    return output


def _small(png: str) -> str:
    """Return a PNG (base64) of at most `WIDEST` pixels in `COLOURS` colours, if that is smaller."""
    with Image.open(BytesIO(base64.b64decode(png))) as picture:
        factor = min(1.0, WIDEST / picture.width)
        size = (round(picture.width * factor), round(picture.height * factor))
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
        small, buffer = white.resize(size, Image.Resampling.LANCZOS), BytesIO()
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    reduced = base64.b64encode(buffer.getvalue()).decode()
    return min(png, reduced, key=len)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n... {len(text) - LONGEST} characters cut"


def _made_by(paths: RunPaths) -> str:
    """Return the provenance of the last job and the cost of the run, as JSON."""
    result = json.loads((paths.jobs / "07_paper" / "result.json").read_text(encoding="utf-8"))
    cost = paths.root / "cost.json"
    facts = {
        "run": paths.root.name,
        "provenance": result["provenance"],
        "cost": json.loads(cost.read_text(encoding="utf-8")) if cost.exists() else None,
    }
    return json.dumps(facts, indent=1) + "\n"
