"""The report in a real browser: on a phone, by keyboard, without scripts, on paper."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium
from made_up_report import DONE, FAILED
from PIL import Image
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


@pytest.fixture
def claims(report: Path, browser: Chromium) -> Chromium:
    """The page of claims, all of them, open on a wide screen."""
    browser.show(1440)
    browser.open((report / "claims.html").as_uri() + "?verdict=")
    return browser


def ledger(report: Path) -> list[dict[str, str]]:
    with (report / "tables/claims.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_no_fault_at_any_width_light_or_dark(report, browser, name: str) -> None:
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


def test_the_ledger_begins_with_what_the_run_can_answer_and_shows_all_on_demand(
    browser: Chromium, report: Path
) -> None:
    browser.open((report / "claims.html").as_uri())
    answered = sum(row["verdict"] != "not run" for row in ledger(report))
    assert 0 < answered < len(ledger(report))
    assert browser.run(SHOWN) == answered
    browser.run("document.querySelector('.filter button').click()")
    browser.wait(f"{SHOWN} == {len(ledger(report))}")


def test_a_link_to_one_claim_shows_it_whatever_its_verdict(browser: Chromium, report: Path) -> None:
    id = next(row["id"] for row in ledger(report) if row["verdict"] == "not run")
    browser.open((report / "claims.html").as_uri() + f"#{id}")
    assert browser.run(f"document.getElementById({id!r}).checkVisibility()")


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
    forms = "[...document.querySelectorAll('form')].filter(e => e.checkVisibility()).length"
    assert without_scripts.run(forms) == 0


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


@pytest.fixture
def samples(report: Path, browser: Chromium) -> Chromium:
    """The sample browser, open on a phone, its first benchmark loaded."""
    browser.show(PHONE)
    browser.open((report / "samples.html").as_uri())
    browser.wait("document.querySelector('#problem h3')")
    return browser


OPEN = "document.querySelector('#problem h3').textContent"
LISTED = "[...document.querySelectorAll('#problems button')].map(e => e.dataset.id)"


def choose(browser: Chromium, **values: str) -> None:
    for name, value in values.items():
        field = f"document.getElementById('browse').elements['{name}']"
        browser.run(f"{field}.value = {value!r}")
        browser.run(f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))")


def test_keys_step_through_the_problems(samples: Chromium) -> None:
    assert samples.run(LISTED) == ["Nano/0", "Nano/1", "Nano/2"]
    samples.press("j", "j", "k")
    assert samples.run(OPEN) == "Nano/1"


def test_the_filters_show_what_was_gained_and_lost_and_where(samples: Chromium) -> None:
    samples.press("g")
    assert samples.run(LISTED) == ["Nano/1"]  # PTA's DPO solves it, its base does not
    choose(samples, pathway="FTA")
    assert samples.run(LISTED) == []
    samples.press("l")
    assert samples.run(LISTED) == ["Nano/0"]
    choose(samples, pathway="PTA")
    assert samples.run(LISTED) == []


def test_a_kind_of_failure_and_a_word_narrow_the_list(samples: Chromium) -> None:
    choose(samples, kind="wrong", pathway="PTA")
    assert samples.run(LISTED) == ["Nano/1", "Nano/2"]
    choose(samples, text="no such word")
    assert samples.run(LISTED) == []


def test_an_answer_stands_with_verdict_and_failing_test_changed_lines_marked(samples) -> None:
    article = "document.querySelectorAll('#problem article')"
    told = samples.run(f"[...{article}].map(e => e.innerText.replace(/\\s+/g, ' '))")
    assert "passes" in told[0] and told[1] == "PTA SFT not evaluated"
    assert "fails: wrong" in told[6] and "(3) base test 1: wanted 4" in told[6]
    assert samples.run("document.querySelector('#problem ins').textContent") == (
        "    return 'dpo'\n"
    )


def test_another_benchmark_is_loaded_when_it_is_chosen_and_kept_in_the_address(samples) -> None:
    choose(samples, group="nano-codal_style")
    samples.wait(f"{OPEN} == 'NanoCodal/style/0'")
    samples.reload()
    samples.wait("document.querySelector('#problem h3')")
    assert samples.run(OPEN) == "NanoCodal/style/0"


def test_without_scripts_the_samples_page_says_where_the_answers_lie(
    report: Path, without_scripts: Chromium
) -> None:
    without_scripts.open((report / "samples.html").as_uri())
    assert "attempts.jsonl" in without_scripts.run("document.body.innerText")


def test_the_search_finds_a_claim_from_any_page_and_enter_opens_it(report, browser) -> None:
    browser.show(1440)
    browser.open((report / f"notebooks/{DONE}.html").as_uri())
    browser.press("/", *"evoeval bonbon")
    browser.wait("document.querySelector('.find li')")
    first = browser.run("document.querySelector('.find a').href")
    browser.press("Enter")
    browser.wait(f"location.href == {first!r}")


def test_a_box_that_is_cut_on_a_phone_says_that_it_scrolls(report, browser) -> None:
    browser.show(390)
    browser.open((report / "figures.html").as_uri())
    cut = "[...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    hinted = f"{cut}.filter(e => getComputedStyle(e, '::before').content.includes('scroll'))"
    assert browser.run(f"{cut}.length") == browser.run(f"{hinted}.length") > 0


def test_a_wide_screen_is_used_in_full(report, browser) -> None:
    browser.show(1440)
    browser.open((report / "claims.html").as_uri())
    width = browser.run("document.querySelector('main').getBoundingClientRect().width")
    assert width >= 1440 - 15 * 16 - 20  # all but the navigation and a scroll bar


def test_in_the_dark_no_picture_is_white_and_its_text_is_light(report, browser) -> None:
    browser.show(1440, dark=True)
    browser.open((report / "index.html").as_uri())
    browser.wait("document.querySelector('figure img').complete")
    box = "document.querySelector('figure img').getBoundingClientRect()"
    sizes = browser.run(f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])({box})")
    clip = dict(zip(("x", "y", "width", "height"), sizes, strict=True), scale=1)
    shot = browser.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
    with Image.open(BytesIO(base64.b64decode(shot["data"]))) as picture:
        light = np.asarray(picture.convert("L"))
    assert np.median(light) < 60 and light.max() > 200
