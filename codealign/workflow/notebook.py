"""A notebook from its set-up to its end: one call opens it, one shows its answer, one ends it.

The answer stands on top, where the set-up cell is: its output is kept free and filled when the
answer is known. Nothing of the package that needs the project's folder is imported before Colab's
set-up has made that folder.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codealign.noise import hush

if TYPE_CHECKING:
    import pandas as pd

    from codealign.analysis.figures.style import Drawn
    from codealign.paths import RunPaths
    from codealign.stages.job import StageJob
    from codealign.workflow.context import NotebookJob

DPI = 144
"""Of pictures in notebooks: 5.5 inches fill the width of a notebook's page."""
WIDTH = 792
"""Pixels of a page's width: 5.5 inches at `DPI`."""


@dataclass
class Notebook:
    """A notebook at work; made by `open_notebook`.

    Attributes
    ----------
    settings : of its stage, checked. `job` : what the stage is to do; 06 and 07 have none.
    """

    context: NotebookJob
    settings: Any
    sentence: Any
    picture: Any

    @property
    def job(self) -> StageJob | None:
        """What the notebook's stage is to do."""
        return self.context.work

    @property
    def paths(self) -> RunPaths:
        """Where the run keeps its files."""
        return self.context.paths

    def answer(self, sentence: str, picture: Drawn | None = None) -> None:
        """Show the result on top of the notebook: a sentence of Markdown, and its picture."""
        if self.sentence is None:  # its cells run as a script, without Jupyter
            print(sentence)
            return
        self.sentence.update({"text/markdown": sentence, "text/plain": sentence}, raw=True)
        if picture is not None:
            self.picture_on_top(picture)

    def picture_on_top(self, picture: Drawn | Path) -> None:
        """Show the picture of the result on top of the notebook, where `answer` gave none."""
        if self.picture is not None:
            data, about = bundle(picture)
            self.picture.update(data, metadata=about, raw=True)

    def finish(self, line: str, outputs: list[Path], stop: str = "") -> None:
        """Note the result for the run; show the closing line, the files and what made them."""
        from IPython.display import display

        print(self.context.finish(line, outputs, stop))
        facts = json.dumps(self.context.header(settings=self.context.used), indent=1, default=str)
        summary = "commit, versions, device and settings"
        page = f"<details><summary>{summary}</summary><pre>{escape(facts)}</pre></details>"
        display({"text/html": page, "text/plain": facts}, raw=True)


def open_notebook(
    notebook: str,
    profile: str,
    run: str,
    seed: int,
    settings: dict[str, Any],
    model: str | None = None,
    **where: str,
) -> Notebook:
    """Make a notebook ready: on Colab the machine, then its job, its model and its folder.

    Parameters
    ----------
    notebook : its name, e.g. `02_sft`.
    profile, run, seed, settings, model, where : its parameters (`context.open_stage`); 06 and 07
        have no model.

    Raises
    ------
    CodealignError
        As `context.open_stage` and, on Colab, `colab.prepare`.
    """
    if "google.colab" in sys.modules:
        from codealign.workflow.colab import prepare

        profile = prepare(notebook, profile)
    hush()
    from IPython.display import display

    from codealign.workflow.context import open_job, open_stage

    named = {"profile": profile, "run": run, "seed": seed}
    if model is None:
        context = open_job(notebook, **named)
        checked = context.settings(settings)
    else:
        context = open_stage(notebook, model, settings, **named, **where)
        checked = context.work.settings
    waiting = {"text/markdown": "*No result yet: the cells below have not all run.*"}
    waiting["text/plain"] = waiting["text/markdown"].strip("*")
    shown = [display(data, raw=True, display_id=True) for data in (waiting, {"text/plain": ""})]
    print(", ".join([context.name, f"profile {context.profile}", f"seed {seed}"]))
    if context.checked:
        print(context.checked)
    return Notebook(context, checked, *shown)


def bundle(picture: Drawn | Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a figure, or a PNG file of a run's figures, as an output.

    The caption is the output's plain text; the picture's alternative text says its result.
    """
    from codealign.analysis.figures.style import read_captions, rendered, styled

    about: dict[str, Any] = {}
    if isinstance(picture, Path):
        texts = read_captions(picture.parent)[picture.stem]
        caption, alt = texts["caption"], texts["alt"]
        png, about["width"] = picture.read_bytes(), WIDTH
    else:
        caption, alt = picture.caption, picture.alt or picture.caption
        with styled():
            png = rendered(picture.figure, "png", DPI)
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": caption}
    return data, {"image/png": {**about, "alt": alt}}


def show(picture: Drawn | Path) -> None:
    """Show a figure (`bundle`) and, below it, its caption."""
    from IPython.display import Markdown, display

    data, about = bundle(picture)
    display(data, metadata=about, raw=True)
    display(Markdown(f"*{data['text/plain']}*"))


def table_or(table: pd.DataFrame, otherwise: str) -> pd.DataFrame | None:
    """Return a table to show; if it has no rows, print the sentence that says why instead."""
    if len(table):
        return table
    print(otherwise)
    return None
