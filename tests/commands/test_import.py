"""Results that others made become a run that every command reads."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from public_files import public_file, public_problems

from codealign.analysis.cells import read_problems
from codealign.analysis.imported import read_results
from codealign.analysis.scores import collect_all
from codealign.cell import Cell
from codealign.cli import main
from codealign.errors import CodealignError
from codealign.records import write_jsonl

CELL = Cell("m", "finetuned", "functional", "base")


def results(path: Path, status: dict[str, list[tuple[str, str | None]]]) -> Path:
    """Write a file in the form of evalplus 0.3.1 and EvoEval."""
    every = {
        task: [{"task_id": task, "solution": "x", "base_status": base, "plus_status": plus,
                "base_fail_tests": [], "plus_fail_tests": []} for base, plus in found]
        for task, found in status.items()
    }  # fmt: skip
    path.write_text(json.dumps({"date": "", "hash": "", "eval": every}))
    return path


def test_a_sample_passes_the_added_tests_if_it_passes_both(tmp_path: Path) -> None:
    file = results(tmp_path / "a_eval_results.json", {
        "HumanEval/0": [("pass", "pass"), ("pass", "fail")],
        "HumanEval/1": [("fail", "pass"), ("timeout", "timeout")],
    })  # fmt: skip
    made = read_results(file, CELL)
    of = {name: {t: v for t, v in found.items() if v is not None}
          for name, found in made.values.items()}  # fmt: skip
    assert of == {
        "humaneval": {"HumanEval/0": 1.0, "HumanEval/1": 0.0},
        "humaneval_plus": {"HumanEval/0": 0.5, "HumanEval/1": 0.0},
    }
    assert [(s.benchmark, s.value, s.n, s.missing) for s in made.scores] == [
        ("humaneval", 0.5, 2, 162), ("humaneval_plus", 0.25, 2, 162),
    ]  # fmt: skip
    assert made.lacks == [f"{name}: 162 of 164 problems" for name in of]


def test_without_added_tests_there_is_no_score_of_them(tmp_path: Path) -> None:
    made = read_results(results(tmp_path / "x.json", {"Mbpp/2": [("pass", None)]}), CELL)
    assert list(made.values) == ["mbpp"]
    assert made.lacks[0] == "mbpp_plus: the added tests were not run"


@pytest.mark.parametrize(
    ("base", "added"),
    [("PASS", "pass"), (True, None), (None, None), (["pass"], "pass"), ("pass", "passed")],
)
def test_a_status_that_nobody_writes_is_refused(tmp_path: Path, base, added) -> None:
    file = results(tmp_path / "x.json", {"HumanEval/0": [(base, added)]})
    with pytest.raises(CodealignError, match="statuses are pass, success, fail"):
        read_results(file, CELL)


def test_samples_without_the_added_tests_have_no_score_of_them(tmp_path: Path) -> None:
    both = {"HumanEval/0": [("pass", None)], "HumanEval/1": [("pass", "pass")]}
    made = read_results(results(tmp_path / "x.json", both), CELL)
    assert [(s.benchmark, s.value, s.n, s.missing) for s in made.scores] == [
        ("humaneval", 1.0, 2, 162), ("humaneval_plus", 1.0, 1, 163),
    ]  # fmt: skip


def test_the_older_version_of_mbpp_has_more_problems(tmp_path: Path) -> None:
    every = {f"Mbpp/{n}": [("pass", "fail")] for n in range(399)}
    made = read_results(results(tmp_path / "x.json", every), CELL)
    assert [(s.benchmark, s.value, s.n) for s in made.scores] == [
        ("mbpp", 1.0, 399), ("mbpp_plus", 0.0, 399),
    ]  # fmt: skip
    assert made.lacks[0].endswith("these 399 are of an older version")


def test_results_of_another_benchmark_than_named_are_refused(tmp_path: Path) -> None:
    file = results(tmp_path / "x.json", {"HumanEval/0": [("pass", "pass")]})
    with pytest.raises(CodealignError, match="are of humaneval, not of mbpp"):
        read_results(file, CELL, "mbpp")


def test_files_are_read_before_any_is_written(tmp_path: Path) -> None:
    good = results(tmp_path / "a.json", {"HumanEval/0": [("pass", "pass")]})
    bad = tmp_path / "b.json"
    bad.write_text("not JSON")
    run = tmp_path / "run"
    assert main(["import", str(run), str(good), str(bad), "--model", "m"]) != 0
    assert not run.exists()


def test_evalplus_older_form_is_read(tmp_path: Path) -> None:
    # As evalplus 0.2.0 writes it (findings/evalplus_cannot_read_its_older_results.sh).
    passed, failed = ["success", [1]], ["failed", []]
    tasks = {
        "HumanEval/0": {"nfiles": 2, "base": [passed, failed], "plus": [failed, failed]},
        "HumanEval/1": {"nfiles": 2, "base": [passed, passed], "plus": [passed, ["timeout", []]]},
    }
    file = tmp_path / "old_eval_results.json"
    file.write_text(json.dumps({"date": "", "hash": "", "eval": tasks}))
    made = read_results(file, CELL)
    assert [(s.benchmark, s.value, s.n) for s in made.scores] == [
        ("humaneval", 0.75, 2), ("humaneval_plus", 0.25, 2),
    ]  # fmt: skip
    for task in tasks.values():  # with --base-only
        task["plus"] = []
    file.write_text(json.dumps({"date": "", "hash": "", "eval": tasks}))
    assert list(read_results(file, CELL).values) == ["humaneval"]


def test_more_problems_than_the_benchmark_has_are_refused(tmp_path: Path) -> None:
    every = {f"HumanEval/{i}": [("pass", "pass")] for i in range(165)}
    with pytest.raises(CodealignError, match="165 problems, but humaneval has 164; give the file"):
        read_results(results(tmp_path / "x.json", every), CELL)


def test_tasks_of_two_benchmarks_in_one_file_are_refused(tmp_path: Path) -> None:
    both = {"HumanEval/0": [("pass", "pass")], "Mbpp/2": [("pass", "pass")]}
    with pytest.raises(CodealignError, match="tasks of HumanEval and Mbpp in one file"):
        read_results(results(tmp_path / "x.json", both), CELL)


def test_samples_of_two_benchmarks_or_of_none_are_refused(tmp_path: Path, capsys) -> None:
    file, run = tmp_path / "samples.jsonl", str(tmp_path / "run")
    mixed = [{"task_id": t, "solution": "pass"} for t in ("HumanEval/0", "Mbpp/2")]
    file.write_text("\n".join(map(json.dumps, mixed)))
    assert main(["import", run, str(file), "--model", "m"]) != 0
    assert "tasks of HumanEval and Mbpp in one file" in capsys.readouterr().err
    file.write_text('{"solution": "pass"}\n')
    assert main(["import", run, str(file), "--model", "m"]) != 0
    assert "no line has task_id and solution" in capsys.readouterr().err


def test_evoeval_is_told_by_the_files_name(tmp_path: Path) -> None:
    file = results(tmp_path / "EvoEval_subtle_eval_results.json", {"EvoEval/3": [("pass", None)]})
    assert list(read_results(file, CELL).values) == ["evoeval_subtle"]
    other = results(tmp_path / "mine_eval_results.json", {"EvoEval/3": [("pass", None)]})
    with pytest.raises(CodealignError, match="give --benchmark, e.g. evoeval_difficult"):
        read_results(other, CELL)


def test_imported_scores_have_advice_claims_tables_and_power(tmp_path: Path, capsys) -> None:
    run, table = tmp_path / "theirs", tmp_path / "scores.csv"
    rows = [
        f"m,{variant},{stage},{name},{value},164,{seed}"
        for variant, value in (("pretrained", 0.3), ("finetuned", 0.6))
        for stage in ("base", "dpo") for name in ("humaneval_plus",) for seed in (0, 1, 2)
        if stage == "dpo" or seed == 0
    ]  # fmt: skip
    table.write_text("model,variant,stage,benchmark,value,n,seed\n" + "\n".join(rows) + "\n")
    assert main(["import", str(run), str(table)]) == 0
    said = capsys.readouterr().out
    assert "missing for the study's question: m: no scores of pretrained sft" in said
    assert "m: no non-functional scores" in said
    assert len(collect_all(run)) == 8
    assert main(["power", str(run)]) == 0
    assert "m, functional: is clear" in capsys.readouterr().out
    assert main(["advise", str(run)]) == 0
    assert main(["claims", "--source", str(run)]) == 0
    assert main(["tables", "--source", str(run), "--out", str(tmp_path / "t")]) == 0


def test_ratings_are_averaged_and_the_unrated_are_counted(tmp_path: Path, capsys) -> None:
    run, file = tmp_path / "theirs", tmp_path / "ratings.csv"
    file.write_text("id,dimension,rating\na,style,4\nb,style,8\nc,style,\n")
    assert main(["import", str(run), str(file), "--model", "m", "--stage", "dpo"]) == 0
    (row,) = collect_all(run).to_dict("records")
    assert (row["benchmark"], row["value"], row["n"], row["missing"]) == ("codal_style", 6.0, 2, 1)
    said = capsys.readouterr().out
    assert "codal: 1 of 3 answers are unrated" in said and "codal_readability: no rating" in said


def test_a_second_file_adds_to_the_first_and_replaces_its_own_benchmark(tmp_path: Path) -> None:
    run, asked = tmp_path / "theirs", ["--model", "m", "--variant", "finetuned"]
    first = results(tmp_path / "a.json", {"HumanEval/0": [("pass", "pass")]})
    second = results(tmp_path / "b.json", {"Mbpp/2": [("pass", "fail")]})
    again = results(tmp_path / "c.json", {"HumanEval/0": [("fail", "fail")]})
    for file in (first, second, again):
        assert main(["import", str(run), str(file), *asked]) == 0
    found = {r["benchmark"]: r["value"] for r in collect_all(run).to_dict("records")}
    assert found == {"humaneval": 0.0, "humaneval_plus": 0.0, "mbpp": 1.0, "mbpp_plus": 0.0}
    assert read_problems(run)[CELL.at(benchmark="mbpp", seed=None)] == {"Mbpp/2": 1.0}


@pytest.mark.parametrize(
    ("name", "text", "more", "said"),
    [
        ("a.json", "{}", ["--model", "m"], "no results of evalplus or EvoEval"),
        ("a.json", "{}", [], "whose is it? give --model"),
        ("a.csv", "model,variant,stage,benchmark,value\nm,pretrained,base,mbpp,1\n", [],
         "line 2: no n; columns are"),
        ("a.csv", "model,variant,stage,benchmark,value,n\nm,pretrained,base,mbpp,61,378\n", [],
         "a value is 0 to 1 and n at least 1; is the unit right?"),
        ("a.csv", "id,dimension,rating\na,style,11\n", ["--model", "m"], "a rating is 1 to 10"),
        ("a.csv", "id,dimension,value_note,rating\na,style,,11\n", ["--model", "m"],
         "a rating is 1 to 10"),
        ("a.csv", "model,variant,stage,benchmark,value,n\nm,pretrained,base,mbpp,0.6,378\n"
         "m,pretrained,base,mbpp,0.7,378\n", [], "line 3: a second score of mbpp for this model"),
        ("a.jsonl", '{"id": "a", "dimension": "style", "rating": [4]}\n', ["--model", "m"],
         "needs id, dimension and rating"),
        ("a.txt", "hello\n", ["--model", "m"], "neither results, samples, ratings nor scores"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_writes_nothing(
    tmp_path: Path, capsys, name: str, text: str, more: list[str], said: str
) -> None:
    (tmp_path / name).write_text(text)
    assert main(["import", str(tmp_path / "run"), str(tmp_path / name), *more]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_what_evalplus_itself_writes_is_read(tmp_path: Path) -> None:
    """The real tool on the first problems of the real file: two right, one wrong."""
    problems = public_problems("humaneval", limit=3)
    whole = gzip.decompress(public_file("humaneval").read_bytes())
    few = tmp_path / "few.jsonl"
    few.write_bytes(b"\n".join(whole.splitlines()[:3]) + b"\n")
    samples = [{"task_id": t, "solution": p.prompt + p.canonical} for t, p in problems.items()]
    samples[2]["solution"] = problems[samples[2]["task_id"]].prompt + "    return None\n"
    write_jsonl(tmp_path / "samples.jsonl", samples)
    own = {**os.environ, "HUMANEVAL_OVERRIDE_PATH": str(few), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples",
               str(tmp_path / "samples.jsonl"), "--parallel", "1"]  # fmt: skip
    subprocess.run(command, env=own, check=True, capture_output=True, cwd=tmp_path)
    made = read_results(tmp_path / "samples_eval_results.json", CELL)
    assert [(s.benchmark, s.n, s.missing) for s in made.scores] == [
        ("humaneval", 3, 161), ("humaneval_plus", 3, 161),
    ]  # fmt: skip
    assert [s.value for s in made.scores] == [2 / 3, 2 / 3]
