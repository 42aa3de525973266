"""Bars in a notebook: one output per cell that ends as one line."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from codealign.progress import Bar, CellLine

TWO_BARS = """
import time
from codealign import progress
progress.EVERY_S = 0
for _ in progress.Bar(range(5), desc="responses", leave=False, mininterval=0):
    time.sleep(0.02)
for _ in progress.Bar(range(3), desc="executions", leave=False, mininterval=0):
    time.sleep(0.02)
"""
STEPS = """
with progress.Bar(total=4, desc="sft", unit="step") as bar:
    bar.update(4)
"""


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    notebook = new_notebook(cells=[new_code_cell(TWO_BARS), new_code_cell(STEPS)])
    NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
    return notebook


def test_all_bars_of_a_cell_leave_one_line(executed) -> None:
    (output,) = executed.cells[0].outputs
    assert output.data["text/plain"].startswith("5 responses, 3 executions; ")


def test_each_cell_has_a_line_of_its_own_in_the_bars_unit(executed) -> None:
    (output,) = executed.cells[1].outputs
    assert output.data["text/plain"].startswith("4 steps; ")


def test_outside_of_a_notebook_a_bar_is_on_standard_error(capsys) -> None:
    assert CellLine.here() is None
    with Bar(total=2, desc="things") as bar:
        bar.update(2)
    assert "things: 100%" in capsys.readouterr().err
