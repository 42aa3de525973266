"""`codealign evaluate`, as somebody who has a file of samples would use it."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from codealign.cli import main
from codealign.paths import NANO_WEIGHTS
from codealign.provenance import file_hash

DOUBLE = {"task_id": "T/0", "entry_point": "double", "prompt": "def double(x):\n",
          "canonical_solution": "    return 2 * x\n", "base_input": [[1]], "plus_input": [[-3]],
          "contract": "", "atol": 0}  # fmt: skip
FIRST = {**DOUBLE, "task_id": "T/1", "entry_point": "first", "prompt": "def first(xs):\n",
         "canonical_solution": "    return xs[0]\n", "base_input": [[[1, 2]]],
         "plus_input": [[["a"]]]}  # fmt: skip
RIGHT = {"task_id": "T/0", "solution": "def double(x): return x + x"}
RIGHT_ON_BASE = {"task_id": "T/1", "completion": "    return xs[0] * 1 if xs[0] == 1 else 0"}


def write(path: Path, *rows: Any) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return str(path)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    data = write(tmp_path / "data.jsonl.gz", DOUBLE, FIRST)
    common = ["--data", data, "--cache", str(tmp_path / "cache"), "--accept", "basic"]
    return ["evaluate", "humaneval", *common]


def scored(capsys: Any, arguments: list[str], *more: str) -> dict[str, Any]:
    assert main([*arguments, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_samples_file_gives_scores_of_base_and_plus(capsys, tmp_path, arguments) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, RIGHT_ON_BASE)
    found = scored(capsys, arguments, "--samples", samples)
    assert found.pop("seconds") > 0
    assert found == {
        "benchmark": "humaneval", "n": 2, "missing": 0, "samples": 2,
        "scores": {"base": {"pass@1": 1.0}, "plus": {"pass@1": 0.5}},
        "failures": {"wrong": 1}, "faults": {}, "level": found["level"],
    }  # fmt: skip


def test_an_incomplete_file_is_an_error_that_names_what_is_missing(
    capsys, tmp_path, arguments
) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, "{", {"task_id": "T/7", "solution": ""})
    assert main([*arguments, "--samples", samples]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    expected = "1 malformed (line 2); 1 unknown (line 3: T/7); 1 missing (T/1)"
    assert expected in said.err
    assert "--partial" in said.err


def test_partial_scores_what_is_there_and_names_the_rest(capsys, tmp_path, arguments) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, RIGHT)
    found = scored(capsys, arguments, "--samples", samples, "--partial", "--n", "1")
    assert (found["n"], found["missing"]) == (1, 1)
    assert found["scores"]["plus"]["pass@1"] == 1.0
    assert found["faults"] == {"double": ["line 2: T/0"], "missing": ["T/1"]}


def test_ten_samples_a_problem_give_pass_at_10(capsys, tmp_path, arguments) -> None:
    """T/0: 1 of 10 right, so pass@1 is 0.1 and pass@10 is 1; T/1: none right on plus."""
    wrong = {"task_id": "T/0", "solution": "def double(x): return 0"}
    rows = [RIGHT] + 9 * [wrong] + 10 * [RIGHT_ON_BASE]
    found = scored(capsys, arguments, "--samples", write(tmp_path / "s.jsonl", *rows))
    assert found["scores"]["plus"] == {"pass@1": pytest.approx(0.05), "pass@10": 0.5}


def test_results_go_to_the_folder(capsys, tmp_path, arguments) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, RIGHT_ON_BASE)
    scored(capsys, arguments, "--samples", samples, "--out", str(tmp_path / "out"))
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"samples.jsonl", "samples_eval_results.json", "attempts.jsonl"}


def test_a_limit_passes_over_samples_of_later_problems(capsys, tmp_path, arguments) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, RIGHT_ON_BASE)
    found = scored(capsys, arguments, "--samples", samples, "--limit", "1")
    assert (found["n"], found["faults"]) == (1, {})


def test_for_people_it_is_one_line(capsys, tmp_path, arguments) -> None:
    samples = write(tmp_path / "s.jsonl", RIGHT, RIGHT_ON_BASE)
    assert main([*arguments, "--samples", samples]) == 0
    said = capsys.readouterr().out
    assert said.startswith("humaneval: base pass@1 1.000, plus pass@1 0.500 (n=2, 0 missing)")


def test_a_model_writes_its_own_samples(capsys, tmp_path, arguments) -> None:
    found = scored(capsys, arguments, "--model", "nano", "--data", "nano", "--limit", "2",
                   "--out", str(tmp_path / "out"))  # fmt: skip
    assert (found["n"], found["samples"]) == (2, 2)
    assert (tmp_path / "out" / "completions.jsonl").exists()


def test_seven_categories_need_a_folder_with_a_file_for_each(capsys, tmp_path) -> None:
    data = write(tmp_path / "EvoEval_difficult.jsonl", {**DOUBLE, "inputs": ["1"]})
    arguments = ["evaluate", "evoeval", "--data", str(tmp_path), "--samples", data]
    assert main(arguments) == 1
    assert "holds neither EvoEval_difficult.jsonl" in capsys.readouterr().err


def test_samples_or_a_model_must_be_named() -> None:
    with pytest.raises(SystemExit) as error:
        main(["evaluate", "humaneval"])
    assert error.value.code == 2


def test_a_plain_folder_is_evaluated_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path(shutil.copytree(NANO_WEIGHTS / "finetuned", tmp_path / "Mein Modell ä"))
    before = {path.name: file_hash(path) for path in own.iterdir()}
    sizes = ["--limit", "1", "--max-new-tokens", "8", "--accept", "basic", "--data", "nano"]
    command = ["evaluate", "humaneval", "--model", f"{own}/", "--variant", "finetuned", *sizes]
    assert main([*command, "--json", "--out", str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 1
    assert {path.name: file_hash(path) for path in own.iterdir()} == before
