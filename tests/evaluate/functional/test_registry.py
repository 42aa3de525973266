"""Benchmarks by name; faults in files are named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional import public as public_data
from codealign.evaluate.functional.registry import BENCHMARKS, expand, guarding, load, prompts_of

ROW = {
    "task_id": "T/0",
    "entry_point": "f",
    "prompt": "def f():\n",
    "canonical_solution": "  return 1",
}


def write(path: Path, *rows: dict) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("\n".join(json.dumps(r) for r in rows))
    return path


def test_evoeval_means_its_seven_categories() -> None:
    names = expand(["humaneval", "evoeval", "evoeval_subtle"])
    assert names[0] == "humaneval"
    assert len(names) == len(set(names)) == 8


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(CodealignError, match="did you mean 'humaneval'"):
        expand(["humanevl"])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_nano_has_every_benchmark(name: str) -> None:
    problems = load(name, "nano")
    assert len(problems) > 10
    for task_id, problem in problems.items():
        assert problem.task_id == task_id
        assert problem.base_input
        assert problem.plus_input


def test_nano_evalperf_has_inputs_and_references() -> None:
    problems = load("evalperf", "nano")
    assert all(p.pe_input and len(p.references) > 1 for p in problems.values())


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_local_file_is_read(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"data{suffix}", {**ROW, "base_input": [[]], "atol": 0.1})
    (problem,) = load("humaneval", data=path).values()
    assert (problem.entry_point, problem.atol, problem.oracle) == ("f", 0.1, "humaneval")


def test_limit_keeps_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", *({**ROW, "task_id": f"T/{i}"} for i in range(3)))
    assert list(load("humaneval", data=path, limit=2)) == ["T/0", "T/1"]


def test_mbpp_inputs_become_what_they_stand_for(tmp_path: Path) -> None:
    """Mbpp/2 takes tuples, which its file holds as lists."""
    row = {**ROW, "task_id": "Mbpp/2", "base_input": [[[3, 4], [5]]], "plus_input": []}
    (problem,) = load("mbpp", data=write(tmp_path / "d.jsonl", row)).values()
    assert problem.base_input == [[(3, 4), (5,)]]
    assert problem.oracle == "mbpp"


def test_evoeval_keeps_its_inputs_as_source_and_joins_by_a_newline(tmp_path: Path) -> None:
    row = {**ROW, "inputs": ["1, {2}"]}
    (problem,) = load("evoeval_creative", data=write(tmp_path / "d.jsonl", row)).values()
    assert problem.base_expressions == ["1, {2}"]
    assert problem.canonical == "def f():\n\n  return 1"


def test_references_without_scores_count_for_equal_shares(tmp_path: Path) -> None:
    row = {**ROW, "base_input": [], "references": [{"code": c, "name": c} for c in "abcd"]}
    (problem,) = load("evalperf", data=write(tmp_path / "d.jsonl", row)).values()
    assert problem.references == [("a", 25), ("b", 50), ("c", 75), ("d", 100)]


def test_evalperf_scores_of_the_file_are_used(tmp_path: Path) -> None:
    row = {**ROW, "base_input": [], "reference": ["a", "b"], "scores": [40.0, 100.0]}
    (problem,) = load("evalperf", data=write(tmp_path / "d.jsonl", row)).values()
    assert problem.references == [("a", 40.0), ("b", 100.0)]


def test_a_lacking_key_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", ROW, {"task_id": "T/1", "prompt": ""})
    with pytest.raises(CodealignError, match=r"d.jsonl:2: .* lacks entry_point, canonical"):
        load("humaneval", data=path)


@pytest.mark.parametrize("content", [b"{", b"\x1f\x8bxx", b"\xff"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(CodealignError, match="not a benchmark file"):
        load("humaneval", data=path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no such benchmark file"):
        load("humaneval", data=tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("name", "file"),
    [("humaneval", "HumanEvalPlus"), ("mbpp", "MbppPlus"), ("evoeval_subtle", "EvoEval_subtle")],
)
def test_without_network_the_file_and_its_place_are_named(
    name: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("wget.download", offline)
    monkeypatch.setattr("evalplus.data.utils.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("evoeval.data.CACHE_DIR", str(tmp_path))
    with pytest.raises(CodealignError, match=f"Get https://.*{file}.*put it.*{tmp_path}"):
        list(public_data.rows(name))


def test_evalperf_lines_are_joined_to_their_problems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its data set has inputs as JSON text, and neither tests nor tolerance."""
    base = {**ROW, "task_id": "HumanEval/0", "base_input": [[]], "plus_input": [[1]], "atol": 0.5}
    override = write(tmp_path / "he.jsonl", base)
    monkeypatch.setattr("evalplus.data.humaneval.HUMANEVAL_OVERRIDE_PATH", str(override))
    own = {"task_id": "HumanEval/0", "entry_point": "f", "pe_input": "[[10]]",
           "reference": ["a", "b"], "scores": [40.0, 100.0]}  # fmt: skip
    (problem,) = load("evalperf", data=write(tmp_path / "perf.jsonl", own)).values()
    assert (problem.base_input, problem.plus_input, problem.atol) == ([[]], [[1]], 0.5)
    assert (problem.pe_input, problem.references) == ([[10]], [("a", 40.0), ("b", 100.0)])


def test_evalperf_is_checked_without_the_extreme_inputs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As evalplus' evalperf command does."""
    monkeypatch.setattr("evalplus.data.utils.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("wget.download", lambda *a, **k: (_ for _ in ()).throw(OSError("offline")))
    own = write(tmp_path / "perf.jsonl", {"task_id": "Mbpp/3", "entry_point": "f"})
    with pytest.raises(CodealignError, match="MbppPlus-NoExtreme"):
        load("evalperf", data=own)


def test_evoeval_is_read_by_its_own_loader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path / "EvoEval_subtle.jsonl", {**ROW, "task_id": "EvoEval/0", "inputs": ["1"]})
    monkeypatch.setattr("evoeval.data.EVOEVAL_OVERRIDE_PATH", str(tmp_path))
    (problem,) = load("evoeval_subtle").values()
    assert (problem.base_expressions, problem.oracle) == (["1"], "evoeval_subtle")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """No network and empty caches; what is asked for is in the list."""
    asked: list[str] = []

    def silent(url: str, *args: object, **kwargs: object) -> None:
        asked.append(url)
        raise OSError("no network")

    monkeypatch.setattr("wget.download", silent)
    monkeypatch.setattr("evalplus.data.utils.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("evoeval.data.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setattr("evalplus.data.get_evalperf_data", lambda: silent("evalperf"))
    return asked


def test_all_files_that_seeds_are_checked_against_are_asked_for_at_once(
    offline: list[str], tmp_path: Path
) -> None:
    with pytest.raises(CodealignError) as caught:
        next(prompts_of("public"))
    lines = str(caught.value).splitlines()
    # a head; HumanEval+, MBPP+, EvalPerf, two NoExtreme files, seven of EvoEval; the way without
    assert len(lines) == 1 + 12 + 1
    assert all(str(tmp_path) in line for line in lines[1:-1])
    assert lines[-1].startswith("Or do without: `prefs: {filters: {benchmarks: []}}`")
    assert len(offline) == 2  # a server that is silent is asked once


def test_the_way_without_names_the_benchmarks_that_are_there(
    offline: list[str], tmp_path: Path
) -> None:
    (lacking,) = public_data.files("mbpp")
    (there,) = public_data.files("humaneval")
    write(Path(there.path), ROW)
    with pytest.raises(CodealignError, match=r"benchmarks: \[humaneval\]") as caught:
        next(prompts_of("public", ["mbpp", "humaneval"]))
    assert lacking.path in str(caught.value) and there.path not in str(caught.value)
    assert list(prompts_of("public", ["humaneval"])) == [ROW["prompt"]]


def test_seeds_may_be_checked_against_some_benchmarks_or_none() -> None:
    assert guarding(["all"]) == list(BENCHMARKS)
    assert guarding(["mbpp", "evoeval"])[:2] == ["mbpp", "evoeval_difficult"]
    assert list(prompts_of("public", [])) == []
