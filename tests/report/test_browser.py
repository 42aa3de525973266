"""The report in a real browser: on a phone, by keyboard, without scripts, on paper."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium
from made_up_report import DONE, FAILED, write_report
from site_checks import PHONE, faults

from codealign.report.page import PAGES

NAMES = [*(f"{stem}.html" for stem in PAGES), *(f"notebooks/{job}.html" for job in (FAILED, DONE))]
A4 = 718
"""Pixels between the margins of a sheet of paper: 190 mm at 96 to the inch."""
CONTROLS = """[...document.querySelectorAll(
  'a[href], button, input, select, summary, [tabindex="0"]')].filter(e => e.checkVisibility())"""
FOCUSED = f"""(() => {{
  const style = getComputedStyle(document.activeElement);
  const seen = style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2;
  return [{CONTROLS}.indexOf(document.activeElement), seen];
}})()"""
SHOWN = "[...document.querySelectorAll('#claims tbody tr')].filter(e => e.checkVisibility()).length"
BAD_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Bad</title></head><body><main><h1>Bad</h1>
<p style="color: #ccc; background: #fff">hard to read</p><p style="width: 3000px">too wide</p>
<img src="none.png"><a href="none.html">a broken link</a><a href="#none">a broken place</a>
<a href="https://example.invalid/">a link outwards</a>
<script>console.error("a complaint"); missing();</script></main></body></html>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, browser: Chromium) -> Path:
    """Return the folder of a report; `browser` comes first, for without it none is needed."""
    return write_report(tmp_path_factory.mktemp("runs") / "mine").report


@pytest.fixture
def claims(report: Path, browser: Chromium) -> Chromium:
    """The page of claims, open on a wide screen."""
    browser.show(1440)
    browser.open((report / "claims.html").as_uri())
    return browser


def ledger(report: Path) -> list[dict[str, str]]:
    with (report / "tables/claims.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_no_fault_on_a_phone_or_a_wide_screen(report, browser, name: str) -> None:
    assert faults(browser, report / name) == []


def test_there_are_no_other_pages(report: Path) -> None:
    assert {p.relative_to(report).as_posix() for p in report.rglob("*.html")} == set(NAMES)


def test_a_faulty_page_is_found_out(browser: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD_PAGE)
    told = "\n".join(faults(browser, page))
    for fault in (
        "axe: color-contrast", "axe: image-alt", "px too wide", "alt ''", "none.png",
        "broken link file", "none.html", "#none", "broken link https", "a complaint",
        "missing is not defined",
    ):  # fmt: skip
        assert fault in told, fault


@pytest.mark.parametrize("name", NAMES)
def test_tab_reaches_every_control_and_each_shows_that_it_has_the_focus(
    report, browser, name: str
) -> None:
    browser.show(PHONE)
    browser.open((report / name).as_uri())
    number = browser.run(f"{CONTROLS}.length")
    reached = []
    for _ in range(number):
        browser.press("Tab")
        reached.append(browser.run(FOCUSED))
    assert reached == [[i, True] for i in range(number)]


def test_the_first_tab_offers_to_skip_the_navigation(claims: Chromium) -> None:
    claims.press("Tab", "Enter")
    assert claims.run("document.activeElement.id") == "content"


def test_typing_in_the_search_shows_the_claims_that_hold_all_words(claims, report) -> None:
    words = ("evoeval", "bonbon")
    claims.run("document.querySelector('[name=text]').focus()")
    claims.press(*" ".join(words))
    text = (
        "[...document.querySelectorAll('#claims tbody tr')].map(e => e.textContent.toLowerCase())"
    )
    wanted = sum(all(word in row for word in words) for row in claims.run(text))
    assert 0 < wanted < len(ledger(report))
    assert claims.run(SHOWN) == wanted
    told = f"{wanted} of {len(ledger(report))} shown"
    assert claims.run("document.querySelector('output').textContent") == told


def test_a_filter_is_set_with_the_arrow_keys(claims: Chromium, report: Path) -> None:
    claims.run("document.querySelector('[name=origin]').focus()")
    claims.press("ArrowDown", "ArrowDown")
    chosen = claims.run("document.activeElement.value")
    assert chosen
    assert claims.run(SHOWN) == sum(row["origin"] == chosen for row in ledger(report))


def test_one_button_shows_all_again(claims: Chromium, report: Path) -> None:
    claims.run("document.querySelector('[name=text]').focus()")
    claims.press(*"no such claim")
    assert claims.run(SHOWN) == 0
    claims.run("document.querySelector('[type=reset]').focus()")
    claims.press("Enter")
    claims.run("new Promise(done => setTimeout(done))")
    assert claims.run(SHOWN) == len(ledger(report))


def test_a_verdicts_count_leads_to_the_claims_with_it(report, browser) -> None:
    browser.open((report / "index.html").as_uri())
    link = browser.run("document.querySelector('a[href*=\"verdict=\"]').href")
    browser.open(link)
    verdict = browser.run("document.querySelector('[name=verdict]').value")
    assert link.endswith(verdict.replace(" ", "+"))
    assert browser.run(SHOWN) == sum(row["verdict"] == verdict for row in ledger(report))


@pytest.fixture
def without_scripts(browser: Chromium) -> Iterator[Chromium]:
    browser.use_scripts(False)
    yield browser
    browser.use_scripts(True)


def test_without_scripts_all_claims_are_shown_and_no_dead_controls(
    report: Path, without_scripts: Chromium
) -> None:
    without_scripts.open((report / "claims.html").as_uri())
    assert without_scripts.run(SHOWN) == len(ledger(report))
    assert without_scripts.run("!document.querySelector('form').checkVisibility()")


@pytest.mark.parametrize("name", NAMES)
def test_on_paper_nothing_is_cut_off_and_no_navigation_is_printed(
    report, browser, name: str
) -> None:
    browser.show(A4, medium="print")
    browser.open((report / name).as_uri())
    assert browser.run("document.documentElement.scrollWidth") <= A4
    printed = "[...document.querySelectorAll('nav, form, .files')].filter(e => e.checkVisibility())"
    assert browser.run(f"{printed}.length") == 0


def test_on_paper_a_dark_system_prints_dark_on_light(report: Path, browser: Chromium) -> None:
    browser.show(A4, dark=True, medium="print")
    browser.open((report / "index.html").as_uri())
    assert browser.run("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
