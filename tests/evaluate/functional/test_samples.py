"""Sample files: nothing is dropped in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.samples import read_samples

Problems = dict[str, Problem]


def write(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "samples.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts))
    return path


GOOD = [{"task_id": "T/0", "solution": "a"}, {"task_id": "T/1", "completion": "b"}]


def test_solutions_and_completions_are_read(tmp_path: Path, problems: Problems) -> None:
    samples = read_samples(write(tmp_path, *GOOD), problems)
    assert samples.solutions == {"T/0": ["a"], "T/1": ["def first(xs):\nb"]}
    assert samples.faults == {}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"solution": "x"}', '{"task_id": "T/0"}', '{"task_id": 1, "solution": ""}']
)
def test_malformed_lines_are_named(tmp_path: Path, problems: Problems, line: str) -> None:
    with pytest.raises(CodealignError, match=r"1 malformed \(line 2\)"):
        read_samples(write(tmp_path, GOOD[0], line, GOOD[1]), problems)


def test_unknown_double_and_missing_are_named(tmp_path: Path, problems: Problems) -> None:
    path = write(tmp_path, GOOD[0], GOOD[0], {"task_id": "T/7", "solution": ""})
    samples = read_samples(path, problems, partial=True)
    assert samples.faults == {
        "double": ["line 2: T/0"],
        "unknown": ["line 3: T/7"],
        "missing": ["T/1"],
    }
    assert samples.solutions == {"T/0": ["a"]}


def test_an_incomplete_file_is_an_error(tmp_path: Path, problems: Problems) -> None:
    with pytest.raises(CodealignError, match=r"1 missing \(T/1\).*`--partial`"):
        read_samples(write(tmp_path, GOOD[0]), problems)


@pytest.mark.parametrize("n", [0, 2])
def test_several_samples_of_each_problem_are_no_doubles(
    tmp_path: Path, problems: Problems, n: int
) -> None:
    samples = read_samples(write(tmp_path, *GOOD, *GOOD), problems, n=n)
    assert (samples.solutions["T/0"], samples.n) == (["a", "a"], 2)


def test_one_sample_too_many_is_double(tmp_path: Path, problems: Problems) -> None:
    with pytest.raises(CodealignError, match=r"1 double \(line 3: T/0\)"):
        read_samples(write(tmp_path, *GOOD, GOOD[0]), problems)


def test_samples_of_problems_beyond_the_limit_are_passed_over(
    tmp_path: Path, problems: Problems
) -> None:
    first = {"T/0": problems["T/0"]}
    assert read_samples(write(tmp_path, *GOOD), first, beyond={"T/1"}).faults == {}


def test_a_missing_file_is_named(tmp_path: Path, problems: Problems) -> None:
    with pytest.raises(CodealignError, match="no such samples file"):
        read_samples(tmp_path / "none.jsonl", problems)


def test_a_line_in_another_encoding_is_malformed_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes('{"task_id": "P/0", "solution": "x = \'größe\'"}\n'.encode("latin-1"))
    with pytest.raises(CodealignError, match=r"1 malformed \(line 1 \(not UTF-8\)\)"):
        read_samples(path, {})


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"task_id": "P/0", "solution": "x"}\n', encoding="utf-8-sig")
    assert read_samples(path, {}, partial=True).faults == {"unknown": ["line 1: P/0"]}
