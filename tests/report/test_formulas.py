"""Formulas in the pages of notebooks."""

from __future__ import annotations

import re

from codealign.report.notebooks import with_formulas


def test_a_formula_is_a_picture_with_its_tex_as_text() -> None:
    found = with_formulas("The gap $g$ is\n\n$$g = \\frac{a}{b}$$")
    assert re.findall(r'aria-label="([^"]*)"', found) == ["g", "g = \\frac{a}{b}"]
    assert "$" not in found
    assert found.count('fill="currentColor"') == 2


def test_a_fraction_is_higher_than_a_letter() -> None:
    found = with_formulas("$a$ and $\\frac{a}{b}$")
    letter, fraction = map(float, re.findall(r'height="([\d.]+)em"', found))
    assert fraction > 1.5 * letter


def test_tex_that_cannot_be_drawn_and_dollars_of_money_stay_as_they_are() -> None:
    for text in ("$\\unheardof{a}$", "it costs 5$ or 7$ each", "`$HOME`"):
        assert with_formulas(text) == text
