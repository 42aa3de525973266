"""The frame: neighbours, numbers under each other, and the index that is searched."""

from __future__ import annotations

import json
import re
from pathlib import Path

from markupsafe import Markup

from codealign.report import write_index
from codealign.report.foreign import render_markdown
from codealign.report.page import PageSection, aligned, page, table

D, P = "\u2007", "\u2008"  # as wide as a digit, and as a point


def test_numbers_meet_at_the_decimal_point() -> None:
    assert aligned(["1.25", "-10.5", "3"]) == [f"{D * 2}1.25", f"-10.5{D}", f"{D * 2}3{P}{D * 2}"]


def test_bounds_of_intervals_meet_too() -> None:
    found = aligned(["1.0 [0.5, 10.0]", "2.0 [-1.5, 3.0]"])
    assert found == [f"1.0 [{D}0.5, 10.0]", f"2.0 [-1.5, {D}3.0]"]


def test_text_html_and_counts_are_left_as_they_are() -> None:
    column = ["100.5", "base not run", Markup("<b>1</b>"), "5 of 9"]
    assert aligned(column) == column


def test_a_bold_number_in_markdown_is_aligned_inside_its_bold() -> None:
    html = render_markdown("| a |\n|---|\n| **7** |\n| 10 |\n", "x")
    assert f"<strong>{D}7</strong>" in html


def test_a_number_with_markup_inside_stays_as_it_is() -> None:
    assert "1<strong>2</strong>" in render_markdown("| a |\n|---|\n| 1**2** |\n", "x")


def test_a_page_that_is_none_of_the_reports_has_no_place_in_the_search(tmp_path: Path) -> None:
    (tmp_path / "own.html").write_text("<p>mine</p>")
    assert write_index(tmp_path).read_text("utf-8") == "searchIndex([]);\n"


def test_text_in_a_cell_is_shown_not_interpreted() -> None:
    assert "&lt;b&gt;" in table(["a"], [["<b>"]], "x")


def test_a_page_leads_to_the_one_before_and_the_one_after() -> None:
    html = page("x", [], "tables")
    assert re.findall(r'rel="(prev|next)" href="([^"]*)"', html) == [
        ("prev", "samples.html"), ("next", "figures.html"),
    ]  # fmt: skip
    assert 'rel="prev"' not in page("x", [], "index")


def test_the_index_has_each_section_and_each_named_row(tmp_path: Path) -> None:
    rows = table(["a"], [["one &"], ["two"]], "x", extra=[{"id": "r1"}, {"id": "r2"}])
    (tmp_path / "claims.html").write_text(
        page("Claims", [PageSection("s", "Title", rows)], "claims")
    )
    text = write_index(tmp_path).read_text("utf-8")
    found = json.loads(text.removeprefix("searchIndex(").removesuffix(");\n"))
    assert [row[:3] for row in found] == [
        ["claims.html#s", "Claims", "Title"], ["claims.html#r1", "Claims", "Title"],
        ["claims.html#r2", "Claims", "Title"],
    ]  # fmt: skip
    assert found[1][3] == "one &"
