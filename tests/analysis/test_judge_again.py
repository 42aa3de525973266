"""A further judge for a finished run, and judges found again by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.analysis.ratings import (
    estimate_run,
    judge_run,
    plain_name,
    read_judged,
    read_judges,
    reference_and_judges,
)
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.evaluate.judges import open_judge
from codealign.records import Answer, Rating, write_jsonl

CODE = "```python\ndef add(a, b):\n    return a + b\n```\nIt adds the two numbers."


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two stages with three answers each, rated by `static`."""
    for stage in ("base", "sft"):
        folder = tmp_path / f"evals/nano/pretrained/non_functional/{stage}/codal"
        answers = [Answer(f"p{i}", "style", "Add.", "", CODE, CODE) for i in range(3)]
        write_jsonl(folder / "answers.jsonl", answers)
        ratings = [Rating(a.id, a.dimension, "static", 5.0, "", "") for a in answers]
        write_jsonl(folder / "ratings.jsonl", ratings)
    return tmp_path


def test_every_answer_of_the_run_is_rated_beside_its_own_ratings(run: Path) -> None:
    lines = list(judge_run(run, open_judge("static_b")))
    assert lines[0] == "nano/pretrained/base: 3 rated by static_b, 0 unrated"
    assert {judge: len(found) for judge, found in read_judges(run).items()} == {
        "static": 6,
        "static_b": 6,
    }


def test_a_judge_of_the_run_itself_is_refused(run: Path) -> None:
    with pytest.raises(CodealignError, match="'static' is one of this run's own"):
        list(judge_run(run, open_judge("static")))


def test_a_name_with_slashes_makes_one_file() -> None:
    assert plain_name("local:org/model 7b") == "local_org_model_7b"


def test_a_run_without_answers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no CODAL answers in it"):
        estimate_run(tmp_path, open_judge("static"))


def test_answers_carry_the_ids_of_their_ratings(run: Path) -> None:
    answers, ratings = read_judged(run), read_judges(run)["static"]
    assert [a.id for a in answers] == [r.id for r in ratings]


def test_without_people_the_runs_judge_is_the_reference(run: Path) -> None:
    list(judge_run(run, open_judge("static_b")))
    reference, held_against, judges = reference_and_judges(run)
    assert (reference, len(held_against), list(judges)) == ("static", 6, ["static_b"])


def test_with_people_every_judge_is_held_against_them(run: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("id,dimension,rating\nnano/pretrained/base/p1,style,4\n")
    reference, held_against, judges = reference_and_judges(run, str(people))
    assert (reference, list(judges)) == ("human", ["static"])
    assert [(r.id, r.rating) for r in held_against] == [("nano/pretrained/base/p1", 4)]


def test_an_empty_run_has_no_judges(tmp_path: Path) -> None:
    assert reference_and_judges(tmp_path) == ("", [], {})


def test_the_command_rates_and_says_so(run: Path, capsys) -> None:
    assert main(["judge", str(run), "static_b"]) == 0
    assert "nano/pretrained/sft: 3 rated by static_b" in capsys.readouterr().out


def test_the_command_estimates_and_asks_nothing(run: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-used")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert main(["judge", str(run), "gpt-3.5-turbo", "--estimate"]) == 0
    # six answers with the same words share one request
    assert capsys.readouterr().out.startswith("1 requests (0 more already paid)")
    assert not list(run.rglob("ratings_of_*"))


def test_the_sheet_command_writes_both_forms(run: Path, tmp_path: Path, capsys) -> None:
    assert main(["rating-sheet", str(run), "--out", str(tmp_path / "sheet")]) == 0
    page = (tmp_path / "sheet/rating_sheet.html").read_text()
    data = page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert len(json.loads(data)["items"]) == 1  # equal answers are shown once
    assert "give the CSV it exports as survey.human_ratings" in capsys.readouterr().out
