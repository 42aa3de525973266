"""Tables in Markdown: cells as they are given, a rule under each head."""

from __future__ import annotations

import pytest

from codealign.markdown import pipe_table


def test_a_table_has_a_rule_under_each_head() -> None:
    assert pipe_table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert pipe_table(["a"], [], ["---:"]) == "| a |\n|---:|"


def test_a_cell_is_written_as_it_is() -> None:
    """No number is rounded or set again, and no cell is filled up to a wider one."""
    rows = [["1.50", "1e3"], ["a longer one", ""], [12, 0.5]]
    assert pipe_table(["", "b"], rows).splitlines()[2:] == [
        "| 1.50 | 1e3 |", "| a longer one |  |", "| 12 | 0.5 |",
    ]  # fmt: skip


def test_what_would_tear_a_table_is_escaped_once() -> None:
    assert pipe_table(["x | y"], [["a|b\nc"], ["d\\|e"]]).splitlines()[::2] == [
        "| x \\| y |", "| a\\|b c |",
    ]  # fmt: skip
    assert pipe_table(["x"], [["d\\|e"]]).endswith("| d\\|e |")


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="columns h, i has more or fewer"):
        pipe_table(["h", "i"], [["a", "b", "c"]])
