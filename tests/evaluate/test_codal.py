"""CODAL problems from any source, answers and ratings that continue and never go stale."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate import codal
from codealign.evaluate.judges import open_judge
from codealign.generate import Completion
from codealign.records import DIMENSIONS, Answer, Rating


def write(path: Path, rows: list[dict]) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return str(path)


def row(number: int, dimension: str = "style", **more: str) -> dict:
    text = {"instruction": f"Task {number}.", "principle": "Be brief.", "reference": "x = 1"}
    return {"id": f"p{number}", "dimension": dimension, **text, **more}


@pytest.fixture
def problems(tmp_path: Path) -> list[codal.CodalProblem]:
    rows = [row(i, DIMENSIONS[i % 5]) for i in range(10)]
    return codal.load_problems(write(tmp_path / "p.jsonl", rows))


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz"])
def test_a_local_file_is_read(tmp_path: Path, name: str) -> None:
    loaded = codal.load_problems(write(tmp_path / name, [row(1), row(2)]))
    assert loaded[0] == codal.CodalProblem("p1", "style", "Task 1.", "Be brief.", "x = 1")
    assert len(loaded) == 2


def test_problems_come_dimension_by_dimension_and_the_limit_is_each_ones(tmp_path: Path) -> None:
    rows = [row(i, DIMENSIONS[i % 5]) for i in range(15)]
    loaded = codal.load_problems(write(tmp_path / "p.jsonl", rows), limit=2)
    assert [p.dimension for p in loaded] == [d for d in DIMENSIONS for _ in range(2)]
    assert [p.id for p in loaded[:2]] == ["p0", "p5"]


def test_the_embedded_problems_cover_every_dimension_alike() -> None:
    loaded = codal.load_problems("nano")
    counts = {sum(p.dimension == d for p in loaded) for d in DIMENSIONS}
    assert len(counts) == 1 and counts.pop() >= 30


def test_the_public_data_sets_columns_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {
            "instruction": "Sort a list.",
            "preference": "instruction-following",
            "claude-3-sonnet-20240229_response": "by claude",
            "gpt-3.5-turbo_response": "by gpt",
        }
    ]
    monkeypatch.setattr("datasets.load_dataset", lambda name, split: rows)
    (loaded,) = codal.load_problems("coseal/codal-bench")
    assert (loaded.dimension, loaded.reference) == ("instruction_following", "by gpt")
    assert loaded.principle
    (other,) = codal.load_problems(
        "coseal/codal-bench", reference="claude-3-sonnet-20240229_response"
    )
    assert other.reference == "by claude"
    assert other.id == loaded.id


def test_the_data_sets_form_is_loaded_by_the_real_library(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = [
        {"instruction": f"Task {d}.", "preference": d, "gpt-4_response": f"answer {d}"}
        for d in ("readability", "style")
    ]
    write(tmp_path / "bench" / "test.jsonl", rows)
    loaded = codal.load_problems(str(tmp_path / "bench"))
    assert [(p.dimension, p.reference) for p in loaded] == [
        ("readability", "answer readability"),
        ("style", "answer style"),
    ]


def test_problems_of_equal_words_get_different_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    same = {"instruction": "Sort.", "preference": "style", "reference": "x"}
    monkeypatch.setattr("datasets.load_dataset", lambda name, split: [same, same])
    assert len({p.id for p in codal.load_problems("some/data")}) == 2


def test_without_a_network_the_hubs_data_set_is_one_clear_error(tmp_path: Path) -> None:
    code = "from codealign.evaluate.codal import load_problems; load_problems('coseal/codal-bench')"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True)
    assert "CodealignError: data set 'coseal/codal-bench' could not be loaded" in done.stderr
    assert "give `nano`, a .jsonl file" in done.stderr


def test_a_data_set_that_cannot_be_loaded_says_what_to_give(monkeypatch) -> None:
    def offline(name, split):
        raise ConnectionError("no network")

    monkeypatch.setattr("datasets.load_dataset", offline)
    with pytest.raises(CodealignError, match="'a/b' could not be loaded.*give `nano`"):
        codal.load_problems("a/b")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no CODAL problems in it"),
        ([row(1, "styl")], "dimension 'styl'; did you mean 'style'"),
        ([{"dimension": "style", "instruction": "x"}], "no column reference or gpt-3.5"),
        ([{"dimension": "style", "reference": "x"}], "no column instruction; it has dimension"),
    ],
)
def test_faults_of_a_file_are_named(tmp_path: Path, rows: list[dict], message: str) -> None:
    with pytest.raises(CodealignError, match=message):
        codal.load_problems(write(tmp_path / "p.jsonl", rows))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no such file of CODAL problems"):
        codal.load_problems(str(tmp_path / "none.jsonl"))


def hand_made(text: str = "x = 1\n### Tests\nassert x\n", limit: int = 10**9):
    asked: list[str] = []

    def generate(items):
        for item in items:
            if len(asked) == limit:
                raise KeyboardInterrupt
            asked.append(item.id)
            yield Completion(item.id, 0, text, "stop")

    return generate, asked


def collect(problems, generate, path: Path, key: str = "") -> list[Answer]:
    return codal.collect_answers(problems, generate, path, key)


@pytest.mark.parametrize(
    ("chat", "prompt"),
    [
        (None, "### Instruction\nTask 0. Be brief.\n### Response\n"),
        (lambda text: f"<user>{text}", "<user>Task 0. Be brief."),
    ],
    ids=["pretrained", "finetuned"],
)
def test_a_variant_is_asked_in_its_own_format(problems, chat, prompt: str, tmp_path: Path) -> None:
    prompts: list[str] = []

    def generate(items):
        prompts.extend(item.prompt for item in items)
        return hand_made()[0](items)

    codal.collect_answers(problems, generate, tmp_path / "a.jsonl", chat=chat)
    assert prompts[0] == prompt


def test_a_models_own_tests_are_no_part_of_its_answer(problems, tmp_path: Path) -> None:
    answers = collect(problems, hand_made()[0], tmp_path / "a.jsonl")
    assert [a.id for a in answers] == [p.id for p in problems]
    assert {a.text for a in answers} == {"x = 1"}


def test_an_answer_that_begins_with_tests_is_empty(problems, tmp_path: Path) -> None:
    answers = collect(problems, hand_made("### Tests\nassert x\n")[0], tmp_path / "a.jsonl")
    assert {a.text for a in answers} == {""}


def test_answers_continue_after_a_kill(problems, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        collect(problems, hand_made(limit=4)[0], tmp_path / "a.jsonl")
    generate, asked = hand_made()
    assert len(collect(problems, generate, tmp_path / "a.jsonl")) == 10
    assert len(asked) == 6


def test_answers_of_another_model_are_not_reused(problems, tmp_path: Path) -> None:
    collect(problems, hand_made("y = 1\n")[0], tmp_path / "a.jsonl", key="one")
    answers = collect(problems, hand_made("z = 1\n")[0], tmp_path / "a.jsonl", key="two")
    assert {a.text for a in answers} == {"z = 1"}


def test_an_engine_that_leaves_answers_out_is_an_error(problems, tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no completion for 10 items"):
        collect(problems, lambda items: iter(()), tmp_path / "a.jsonl")


class CountingJudge:
    """Rates everything 5 and counts."""

    name, key = "five", "five-1"

    def __init__(self) -> None:
        self.asked = 0

    def rate(self, answers):
        for answer in answers:
            self.asked += 1
            yield Rating(answer.id, answer.dimension, self.name, 5.0, "", "")


@pytest.fixture
def answers(problems, tmp_path: Path) -> list[Answer]:
    return collect(problems, hand_made()[0], tmp_path / "answers.jsonl")


def test_ratings_come_in_the_answers_order_and_are_made_once(answers, tmp_path: Path) -> None:
    judge = CountingJudge()
    first = codal.rate(answers, judge, tmp_path / "r.jsonl")
    assert codal.rate(answers, judge, tmp_path / "r.jsonl") == first
    assert [r.id for r in first] == [a.id for a in answers]
    assert judge.asked == 10


def test_a_changed_rubric_rates_anew(answers, tmp_path: Path) -> None:
    judge = CountingJudge()
    codal.rate(answers, judge, tmp_path / "r.jsonl")
    judge.key = "five-2"
    codal.rate(answers, judge, tmp_path / "r.jsonl")
    assert judge.asked == 20


def test_changed_answers_are_rated_anew(answers, problems, tmp_path: Path) -> None:
    judge = CountingJudge()
    codal.rate(answers, judge, tmp_path / "r.jsonl")
    changed = collect(problems, hand_made("new")[0], tmp_path / "answers.jsonl", key="new")
    codal.rate(changed, judge, tmp_path / "r.jsonl")
    assert judge.asked == 20


def test_the_embedded_references_are_rated_high_by_the_static_judge() -> None:
    loaded = codal.load_problems("nano", limit=5)
    answers = [
        Answer(p.id, p.dimension, p.instruction, p.principle, p.reference, p.reference)
        for p in loaded
    ]
    ratings = list(open_judge("static").rate(answers))
    assert sum(r.rating for r in ratings) / len(ratings) > 8
