"""Known tasks: given instructions, hidden tests that label pairs, arms that share what was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.params import Checks, Pairing, Prefs
from codealign.prefs.executions import judged_source
from codealign.prefs.pipeline import run_pipeline
from codealign.records import Instruction, Known, Pair, Seed, read_jsonl, write_jsonl
from codealign.sandbox import Sandbox

ADDS_ONE = "assert f(1) == 2\nassert f(5) == 6\n"
HIDDEN = Prefs(corpus="nano", seeds=6, responses=6, tasks="grammar", pairs=Pairing(rule="hidden"))


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    seeds = [Seed(f"seed{i}", f"x = {i}\n", f"f{i}", "Doc.", "a.py", i) for i in range(6)]
    write_jsonl(tmp_path / "candidates.jsonl", seeds)
    return tmp_path / "candidates.jsonl"


def known(folder: Path, tests: str = ADDS_ONE, number: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # The tests call the function f0 to f5; the made-up responses all call it f.
    tasks = [
        Known(f"f{i}", f"Write a function `f`, number {i}.", tests.replace("f(", f"f{i}("))
        for i in range(number)
    ]
    write_jsonl(folder / "known.jsonl", tasks)
    return folder / "known.jsonl"


def run(candidates, generator, folder: Path, settings: Prefs, **more) -> list[Pair]:
    with Sandbox() as sandbox:
        where = (generator, sandbox, folder, more.pop("requirement", "functional"), 0)
        run_pipeline(candidates, settings, *where, model="m", report=lambda _: None, **more)
    return list(read_jsonl(folder / "pairs.jsonl", Pair))


def noise(folder: Path) -> float:
    return json.loads((folder / "card.json").read_text())["label_noise"]


def test_a_function_under_another_name_is_judged_by_what_it_does() -> None:
    task = Known("g", "Write `g`.", "assert g(1) == 2\n")
    exec(judged_source("def helper(x):\n    return 0\n\ndef f(x):\n    return x + 1\n", task), {})
    exec(judged_source("def g(x):\n    return x + 1\n\ndef h(x):\n    return 0\n", task), {})


def test_the_instructions_are_those_of_the_known_tasks(candidates, generator, tmp_path) -> None:
    folder = tmp_path / "made"
    run(candidates, generator(), folder, HIDDEN, known=known(folder, number=4))
    texts = {i.text for i in read_jsonl(folder / "instructions.jsonl", Instruction)}
    assert texts == {f"Write a function `f`, number {i}." for i in range(4)}


def test_hidden_tests_label_the_pairs_without_noise(candidates, generator, tmp_path) -> None:
    folder = tmp_path / "made"
    pairs = run(candidates, generator(), folder, HIDDEN, known=known(folder))
    assert pairs and noise(folder) == 0
    assert all("x + 1" in p.chosen and "x + 1" not in p.rejected for p in pairs)
    assert {(p.chosen_hidden, p.rejected_hidden) for p in pairs} == {("pass", "fail")}


def test_the_noise_of_other_labels_is_what_hidden_tests_refuse(
    candidates, generator, tmp_path
) -> None:
    # The own tests want f(1) == 2, the hidden ones f(1) == 1: what passes the own is wrong.
    folder = tmp_path / "made"
    settings = HIDDEN.model_copy(update={"pairs": Pairing(), "checks": Checks(mutants=0)})
    pairs = run(
        candidates, generator(), folder, settings, known=known(folder, "assert f(1) == 1\n")
    )
    assert pairs and noise(folder) == 1
    assert (
        "| chosen responses that hidden tests refuse | 100.0% |"
        in (folder / "README.md").read_text()
    )


def test_an_arm_takes_over_what_differs_in_the_pairs_alone(candidates, generator, tmp_path) -> None:
    main, arm = tmp_path / "main", tmp_path / "arm"
    run(candidates, generator(), main, HIDDEN, known=known(main))
    arm_settings = HIDDEN.model_copy(update={"pairs": Pairing(rule="agreement")})
    asked = generator(limit=0)
    arm.mkdir()
    assert run(candidates, asked, arm, arm_settings, known=known(arm), earlier=main)
    assert asked.asked == 0
    assert (arm / "responses.jsonl").read_bytes() == (main / "responses.jsonl").read_bytes()


def test_an_arm_of_other_responses_takes_nothing_over(candidates, generator, tmp_path) -> None:
    main, arm = tmp_path / "main", tmp_path / "arm"
    run(candidates, generator(), main, HIDDEN, known=known(main))
    more, asked = HIDDEN.model_copy(update={"responses": 7}), generator()
    run(candidates, asked, arm, more, known=known(arm), earlier=main)
    assert asked.asked == 6 * 7


def test_hidden_tests_that_are_not_there_are_one_clear_error(
    candidates, generator, tmp_path
) -> None:
    with pytest.raises(CodealignError, match="no file of the known tasks"):
        run(candidates, generator(), tmp_path / "made", HIDDEN)


def test_known_tasks_are_functional(candidates, generator, tmp_path) -> None:
    folder = tmp_path / "made"
    with pytest.raises(CodealignError, match="leave non_functional out"):
        run(
            candidates, generator(), folder, HIDDEN, known=known(folder),
            requirement="non_functional",
        )  # fmt: skip
