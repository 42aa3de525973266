"""The sheet for people: a fair, blind sample, and a page that a keyboard alone can work."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from chromium import Chromium

from codealign.analysis.agreement import read_human_ratings
from codealign.analysis.ratings import (
    blind_id,
    draw,
    human_ratings,
    sheet_page,
    sheet_rows,
    try_sheet,
    write_sheet,
)
from codealign.errors import CodealignError
from codealign.records import DIMENSIONS, Answer, Rating, write_jsonl

HOSTILE = '</script><script>document.title = "taken"</script> "a", b & c'


def answers(n: int) -> list[Answer]:
    return [
        Answer(f"m/pretrained/base/p{i}", DIMENSIONS[i % 5], f"Task {i}.", "Brief.", "ref", f"a{i}")
        for i in range(n)
    ]


def test_the_draw_has_as_many_of_each_dimension() -> None:
    drawn = draw(answers(50), 4, seed=0)
    assert Counter(a.dimension for a in drawn) == dict.fromkeys(DIMENSIONS, 4)


def test_the_draw_depends_on_the_seed_and_not_on_the_order() -> None:
    every = answers(50)
    assert draw(every, 4, 0) == draw(every[::-1], 4, 0)
    assert {a.id for a in draw(every, 4, 0)} != {a.id for a in draw(every, 4, 1)}


def test_equal_answers_to_a_problem_are_drawn_once() -> None:
    same = [dataclasses.replace(answers(1)[0], id=f"{stage}/p") for stage in ("sft", "dpo")]
    assert len(draw(same, 4, 0)) == 1


def test_a_sheet_tells_nothing_of_the_model() -> None:
    text = f"{sheet_rows(answers(5))}{sheet_page(answers(5))}"
    assert "pretrained" not in text and "m/" not in text.split("<script")[0]


def test_a_sheet_has_a_blank_rating_for_each_answer() -> None:
    found = sheet_rows(answers(2))
    assert [(r["task"], r["answer"], r["rating"]) for r in found] == [
        ("Task 0.\n\nBrief.", "a0", ""),
        ("Task 1.\n\nBrief.", "a1", ""),
    ]


def test_an_empty_answer_is_shown_as_such() -> None:
    (row,) = sheet_rows([dataclasses.replace(answers(1)[0], text=" \n")])
    assert row["answer"] == "(the answer is empty)"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run/evals/m/pretrained/non_functional/base/codal"
    plain = [dataclasses.replace(a, id=a.id.split("/")[-1]) for a in answers(5)]
    write_jsonl(folder / "answers.jsonl", plain)
    ratings = [Rating(a.id, a.dimension, "static", 5.0, "", "") for a in plain]
    write_jsonl(folder / "ratings.jsonl", ratings)
    return tmp_path / "run"


def test_ratings_on_a_sheet_come_back_under_the_runs_ids(run: Path, tmp_path: Path) -> None:
    sheet, _ = write_sheet(run, tmp_path / "sheet")
    with sheet.open(newline="") as file:
        filled = [{**row, "rating": str(3 + i)} for i, row in enumerate(csv.DictReader(file))]
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, filled[0])
        writer.writeheader()
        writer.writerows(filled)
    found = human_ratings(run, sheet)
    assert {r.id for r in found} == {a.id for a in answers(5)}
    assert sorted(r.rating for r in found) == [3, 4, 5, 6, 7]


def test_a_run_without_answers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no CODAL answers in it; run `05_codal`"):
        write_sheet(tmp_path, tmp_path / "sheet")


def test_answers_of_other_dimensions_alone_make_no_sheet_and_stop_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "evals/m/pretrained/non_functional/base/codal"
    write_jsonl(folder / "answers.jsonl", [Answer("p", "security", "Add.", "", "ref", "a")])
    assert try_sheet(tmp_path, tmp_path / "sheet", 40, 0).startswith("no rating sheet")
    assert not (tmp_path / "sheet").exists()


def test_a_sheet_that_is_tried_says_what_it_wrote(run: Path, tmp_path: Path) -> None:
    lines = try_sheet(run, tmp_path / "sheet", 40, 0).splitlines()
    assert lines == [f"wrote {path}" for path in sorted((tmp_path / "sheet").iterdir())]


@pytest.fixture
def page(browser: Chromium, tmp_path: Path, request: pytest.FixtureRequest) -> Chromium:
    """A page of three answers, the first of them hostile, opened from disk.

    The test's name is part of the ids, so that each test has a sheet of its own in the browser.
    """
    made = [dataclasses.replace(a, id=f"{request.node.name}/{a.id}") for a in answers(3)]
    made[0] = dataclasses.replace(made[0], text=HOSTILE)
    file = tmp_path / "sheet.html"
    file.write_text(sheet_page(made), encoding="utf-8")
    browser.open(file.as_uri())
    return browser


def shown(page: Chromium, part: str) -> str:
    return page.run(f"document.getElementById({part!r}).textContent")


def test_an_answer_is_shown_as_it_is_and_never_run(page: Chromium) -> None:
    assert shown(page, "answer") == HOSTILE
    assert page.run("document.title") == "Rating sheet"


def test_a_digit_rates_and_goes_on_and_zero_is_ten(page: Chromium) -> None:
    page.press("7", "0")
    assert shown(page, "progress") == "2 of 3 rated"
    assert shown(page, "where") == "Answer 3 of 3: complexity"
    page.press("ArrowLeft")
    assert page.run("document.querySelector('input:checked').value") == "10"


def test_a_rating_can_be_taken_back_and_found_again(page: Chromium) -> None:
    page.press("7", "8", "9", "ArrowLeft", "u")
    assert shown(page, "progress") == "2 of 3 rated"
    page.press("ArrowRight", "n")
    assert shown(page, "where").startswith("Answer 2 of 3")


def test_tab_reaches_the_scale_and_the_arrows_choose(page: Chromium) -> None:
    page.press("Tab")
    assert page.run("document.activeElement.name") == "rating"
    page.press("ArrowRight")
    assert shown(page, "progress") == "1 of 3 rated"
    assert shown(page, "where").startswith("Answer 1 of 3")


def test_digits_in_the_name_are_no_ratings(page: Chromium) -> None:
    page.run("document.getElementById('annotator').focus()")
    page.press("A", "n", "7")
    assert page.run("document.getElementById('annotator').value") == "An7"
    assert shown(page, "progress") == "0 of 3 rated"


def test_progress_is_kept_and_taken_up_again(page: Chromium) -> None:
    # What the page keeps is handed to the next page by the test: how fast a busy browser's own
    # storage follows from one page to the next is not ours to test.
    page.press("7", "8")
    name, kept = page.run("Object.entries(localStorage).find(([k, v]) => v.includes(':8'))")
    again = f"localStorage.setItem({json.dumps(name)}, {json.dumps(kept)})"
    page.call("Page.addScriptToEvaluateOnNewDocument", source=again)
    page.reload()
    assert shown(page, "progress") == "2 of 3 rated"
    assert shown(page, "where").startswith("Answer 3 of 3")


def test_the_exported_csv_is_read_back(page: Chromium, request: pytest.FixtureRequest) -> None:
    page.press("7", "ArrowRight", "0", "e")
    file = page.downloaded("ratings-*.csv")
    found = read_human_ratings(file)
    file.unlink()
    assert [(r.id, r.rating) for r in found] == [
        (blind_id(f"{request.node.name}/m/pretrained/base/p{i}"), value)
        for i, value in enumerate([7, None, 10])
    ]


def test_nothing_is_loaded_from_elsewhere(page: Chromium) -> None:
    assert page.run("performance.getEntriesByType('resource').length") == 0
