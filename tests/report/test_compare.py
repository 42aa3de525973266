"""Two runs compared as one file: picture, scores, settings; nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_up_run import write_run

from codealign.cli import main


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the page of two runs, the second of which gains 0.2 of the scale by DPO."""
    folder = tmp_path_factory.mktemp("runs")
    for name, gain in (("a", 0.0), ("b", 0.2)):
        write_run(folder / name, gain)
    out = folder / "compare.html"
    assert main(["compare", str(folder / "a"), str(folder / "b"), "--html", str(out)]) == 0
    return out.read_text("utf-8")


def test_the_page_is_whole_without_another_file(html: str) -> None:
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', html) == []
    assert 'src="data:image/svg+xml;base64,' in html


def test_its_picture_says_its_result_in_words(html: str) -> None:
    # 16 evaluated models; an interval of a difference that is 0 for every problem holds 0
    (caption,) = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert re.search(r"points \(percent of the scale\): \d+ of 16 95% intervals exclude 0", caption)
    assert f'alt="{caption}"' in html


def test_every_shared_score_is_listed_with_both_values(html: str, tmp_path: Path) -> None:
    rows = re.findall(r"<tr><td data-label=\"Model\">nano</td>(.*?)</tr>", html, re.S)
    moved = [row for row in rows if ">DPO<" in row and "HumanEval+" in row]
    assert moved and all("0.500" in row and "0.600" in row for row in moved)
    assert "Same settings." in html
