"""Executed notebooks as pages: parts, outputs as they ended, warnings folded, failures open."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from made_up_report import failed_notebook, showing_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from codealign.report.notebooks import LONG, notebook_blocks


@pytest.fixture(scope="module")
def failed() -> str:
    return "".join(block.body for block in notebook_blocks(failed_notebook()))


@pytest.fixture(scope="module")
def shown() -> str:
    return "".join(block.body for block in notebook_blocks(showing_notebook()))


def stream(name: str, text: str) -> dict:
    return new_output("stream", name=name, text=text)


def folds_of(page: str) -> list[str]:
    """Return what is folded away, but for code."""
    every = re.findall(r"<details>.*?</details>", page, re.S)
    return [fold for fold in every if "<summary>Code</summary>" not in fold]


def test_code_is_folded_away_and_parameters_stand_once_behind_the_result() -> None:
    """Papermill puts a run's parameters behind the notebook's own; the page has those in force."""
    tags = {"parameters": "seed = 0", "injected-parameters": "seed = 7", "setup": "import sys"}
    cells = [new_code_cell(text, metadata={"tags": [tag]}) for tag, text in tags.items()]
    (block,) = notebook_blocks(new_notebook(cells=cells))
    code = re.findall(r"<details><summary>Code</summary>.*?</details>", block.body, re.S)
    shown = [re.sub(r"<[^>]+>", "", fold) for fold in code]
    assert ["import sys" in shown[0], "seed = 7" in shown[1], len(shown)] == [True, True, 2]
    assert "seed = 0" not in block.body
    (alone,) = notebook_blocks(new_notebook(cells=cells[:1]))
    assert alone.body.count("<summary>Code</summary>") == 1


def test_a_picture_keeps_its_own_text_and_one_without_gets_its_headings() -> None:
    png = {"image/png": "iVBOR"}
    told = new_output("display_data", png, metadata={"image/png": {"alt": "Half pass."}})
    cells = [new_markdown_cell("# Scores"), new_code_cell("a", outputs=[told]),
             new_code_cell("b", outputs=[new_output("display_data", png)])]  # fmt: skip
    (block,) = notebook_blocks(new_notebook(cells=cells))
    assert re.findall(r'alt="([^"]*)"', block.body) == ["Half pass.", "Picture: Scores"]


def frame_page(frame: pd.DataFrame) -> str:
    shown = new_output("execute_result", {"text/html": frame._repr_html_()})
    (block,) = notebook_blocks(new_notebook(cells=[new_code_cell("frame", outputs=[shown])]))
    return block.body


def test_a_table_of_pandas_has_no_rules_of_its_own_and_no_count_of_its_rows() -> None:
    page = frame_page(pd.DataFrame({"step": ["a", "b"], "count": [1, 2]}))
    assert "<style" not in page and 'style="' not in page
    assert re.findall(r"<th[^>]*>(.*?)</th>", page) == ["step", "count"]
    assert "<td>a</td>" in page


def test_a_table_of_pandas_keeps_rows_that_have_names() -> None:
    page = frame_page(pd.DataFrame({"count": [1, 2]}, index=["kept", "lost"]))
    assert re.findall(r"<th[^>]*>(.*?)</th>", page) == ["count", "kept", "lost"]


def test_a_progress_bar_is_shown_as_it_ended() -> None:
    outputs = [
        stream("stderr", "load: 10%\r"),
        stream("stderr", "load: 90%\rload: done\n"),
        stream("stdout", "kept\n"),
    ]
    (block,) = notebook_blocks(new_notebook(cells=[new_code_cell("load()", outputs=outputs)]))
    shown = re.findall(r"<pre>(.*?)</pre>", block.body.split("Code")[0], re.S)
    assert [text.strip() for text in shown] == ["load: done", "kept"]


def test_each_heading_begins_a_part_of_the_page() -> None:
    cells = [new_markdown_cell(f"{'#' * n} H{n}\n\ntext {n}") for n in (1, 2, 3)]
    blocks = notebook_blocks(new_notebook(cells=cells))
    assert [(b.anchor, b.title) for b in blocks] == [("part1", "H1"), ("part2", "H2")]
    assert "text 3" in blocks[1].body


def test_a_heading_in_an_output_stays_below_those_of_the_notebook() -> None:
    output = new_output("display_data", {"text/markdown": "# Loud"})
    cells = [new_markdown_cell("# Title"), new_code_cell("show()", outputs=[output])]
    (block,) = notebook_blocks(new_notebook(cells=cells))
    assert re.search(r"<h3[^>]*>Loud</h3>", block.body)


def test_levels_of_headings_go_down_one_by_one() -> None:
    cells = [
        new_markdown_cell("# Title"),
        new_markdown_cell("#### Deep"),
        new_markdown_cell("### Up"),
    ]
    (block,) = notebook_blocks(new_notebook(cells=cells))
    assert re.findall(r"<(h\d)", block.body) == ["h3", "h3"]


def test_warnings_are_folded_away_and_what_the_cell_printed_is_open(failed: str) -> None:
    folded = folds_of(failed)
    assert len(folded) == 1
    assert "Warnings and progress (1 line)" in folded[0] and "a library warns" in folded[0]
    assert "said by the cell" in failed.replace(folded[0], "")


def test_a_traceback_is_open(failed: str) -> None:
    assert '<span class="ansi-red-fg">ValueError</span>' in re.sub(
        r"<details>.*?</details>", "", failed, flags=re.S
    )


def test_the_word_of_the_failed_cell_has_the_reports_colour(failed: str) -> None:
    assert failed.count('class="failed"') == 2
    assert "style=" not in failed


@pytest.mark.parametrize(("lines", "folds"), [(LONG, 0), (LONG + 1, 1)])
def test_a_long_text_is_folded_away(lines: int, folds: int) -> None:
    cell = new_code_cell("print()", outputs=[stream("stdout", "line\n" * lines)])
    (block,) = notebook_blocks(new_notebook(cells=[cell]))
    assert len(folds_of(block.body)) == folds


def test_pictures_and_drawings_are_named_by_the_part_they_stand_in(shown: str) -> None:
    assert re.findall(r'<img[^>]*alt="([^"]*)"', shown) == ["Picture: 7 Tables"] * 2


def test_a_page_has_no_empty_links(shown: str) -> None:
    assert not re.search(r"<a [^>]*></a>", shown)
