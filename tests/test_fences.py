"""The one reader of Markdown answers: fences, headings, prose."""

from __future__ import annotations

import pytest

from codealign.fences import Fenced, first_python

CODE = "def f(x):\n    return x + 1\n"


def first(text: str) -> str | None:
    block = first_python(Fenced(text).blocks)
    return None if block is None else block.code


@pytest.mark.parametrize(
    "label",
    ["python", "Python", "python3", "py", " python", 'python title="f.py"', "{.python .long}"],
)
def test_a_label_of_python_in_any_spelling(label: str) -> None:
    assert first(f"```{label}\n{CODE}```\n") == CODE


@pytest.mark.parametrize("label", ["bash", "pycon", "text", "pyret"])
def test_another_label_is_not_python(label: str) -> None:
    assert first(f"```{label}\n1 + 1\n```\n") is None


@pytest.mark.parametrize("marks", ["~~~", "````", "~~~~~"])
def test_tildes_and_longer_fences(marks: str) -> None:
    assert first(f"{marks}python\n{CODE}{marks}\n") == CODE


def test_a_fence_ends_at_its_own_sign_and_length_only() -> None:
    inside = 'x = """\n```\n~~~\n"""\n'
    assert first(f"````python\n{inside}````\n") == inside


def test_the_indentation_of_the_fence_is_taken_off_its_lines() -> None:
    indented = "".join(f"    {line}\n" for line in f"```python\n{CODE}```".split("\n"))
    assert first(f"1. First:\n{indented}") == CODE


def test_windows_line_ends_are_newlines() -> None:
    assert first(f"```python\n{CODE}```\n".replace("\n", "\r\n")) == CODE


def test_the_first_block_of_python_is_taken_not_the_first_block() -> None:
    text = (
        f"```bash\npip install x\n```\n```\n2\n```\n```python\n{CODE}```\n```python\ny = 1\n```\n"
    )
    assert first(text) == CODE


def test_a_closing_fence_opens_nothing() -> None:
    text = f"```bash\nls\n```\nprose\n```python\n{CODE}```\nmore prose\n"
    assert [b.language for b in Fenced(text).blocks] == ["bash", "python"]


def test_without_any_label_the_first_program_that_parses_is_taken() -> None:
    text = f"```\n$ run it\n```\n```\n[1, 2]\n```\n```\n{CODE}```\n"
    assert first(text) == CODE
    assert first("```\n[1, 2]\n```\n") == "[1, 2]\n"
    assert first("```\n$ run it\n```\n") is None


def test_backticks_within_a_line_open_nothing() -> None:
    assert Fenced("``` is a fence, `x` is not ```\n").blocks == []


def test_a_text_that_ends_inside_a_block_says_so() -> None:
    (block,) = Fenced("```python\ndef f(x):\n    ret").blocks
    assert (block.code, block.closed) == ("def f(x):\n    ret", False)


def test_an_empty_block_has_no_code() -> None:
    (block,) = Fenced("```python\n```\n").blocks
    assert (block.code, block.closed) == ("", True)


def test_headings_are_read_outside_the_fences_only() -> None:
    text = "# One\n```python\n# Tests\n```\n**Two:**\n### Three ###\n#4\n#!/bin/sh\n"
    found = [(h.title, h.level, h.line) for h in Fenced(text).headings]
    assert found == [("One", 1, 0), ("Two:", 7, 4), ("Three", 3, 5), ("4", 1, 6)]


def test_a_section_ends_at_a_heading_that_is_not_below_its_own() -> None:
    answer = Fenced("## A\na\n### B\nb\n**C**\nc\n## D\nd")
    sections = [list(answer.section(h)) for h in answer.headings]
    assert sections == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5], [4, 5], [6, 7]]


def test_prose_is_what_stands_outside_the_fences() -> None:
    assert Fenced(f"Before.\n```python\n{CODE}```\nBehind.\n").prose == "Before.\n\nBehind."


def test_a_section_ends_at_the_next_heading_that_is_not_below_it() -> None:
    answer = Fenced("# a\n## b\n**c**\ntext\n## d\n# e\nend")
    sections = [answer.section(heading) for heading in answer.headings]
    assert sections == [range(5), range(1, 4), range(2, 4), range(4, 5), range(5, 7)]
