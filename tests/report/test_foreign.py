"""Markdown and foreign HTML fitted to the pages: nothing interpreted, tables that can be read."""

from __future__ import annotations

import re

from codealign.report.foreign import fit_tables, number_boxes, parse, render_markdown

TABLE = "| a | b |\n|---|---|\n"


def test_html_in_markdown_is_shown_not_interpreted() -> None:
    assert "&lt;script&gt;" in render_markdown("<script>alert(1)</script>", "x")


def test_cells_that_hold_a_number_do_not_wrap() -> None:
    html = render_markdown(f"{TABLE}| **0.81**ᵃ | nano |\n| 5 of 5 | 3 cannot tell |\n", "x")
    assert re.findall(r'<td class="num">(.*?)</td>', html) == ["<strong>0.81</strong>ᵃ", "5 of 5"]


def test_a_number_is_not_parted_from_its_interval() -> None:
    html = render_markdown(f"{TABLE}| +4.4 [-0.4, +9.5] %, 3 seeds | - |\n", "x")
    assert "+4.4\u00a0[-0.4,\u00a0+9.5]\u00a0%, 3 seeds" in html


def test_a_groups_name_spans_the_table() -> None:
    html = render_markdown(f"{TABLE}| *nano* |  |\n| 1 | 2 |\n", "x")
    assert '<th colspan="2" scope="rowgroup"><em>nano</em></th></tr>' in html.replace("\n", "")


def test_a_table_is_named_by_the_bold_line_before_it_or_else_by_the_text() -> None:
    html = render_markdown(f"**First**\n\n{TABLE}\nmore **bold**\n\n{TABLE}", "Whole")
    assert re.findall(r'aria-label="([^"]*)"', html) == ["First", "Whole"]


def test_boxes_of_one_name_are_numbered() -> None:
    html = render_markdown(f"{TABLE}\ntext\n\n{TABLE}", "Whole")
    assert re.findall(r'aria-label="([^"]*)"', html) == ["Whole", "Whole, 2"]


def test_a_frames_empty_corner_is_no_heading_and_its_own_lines_go() -> None:
    row = '<tr style="text-align: right"><th></th><th>a</th></tr>'
    tree = parse(f'<table border="1"><thead>{row}</thead></table>')
    fit_tables(tree, "x")
    assert "<tr><td></td><th>a</th></tr>" in str(tree)
    assert "border" not in str(tree)


def test_numbering_leaves_different_names_alone() -> None:
    tree = parse('<div class="wide" aria-label="a"></div><div class="wide" aria-label="b"></div>')
    number_boxes(tree)
    assert [box["aria-label"] for box in tree.find_all("div")] == ["a", "b"]
