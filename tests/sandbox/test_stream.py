"""Programs as JSON Lines."""

from __future__ import annotations

import io
import json

import pytest

from codealign.errors import CodealignError
from codealign.sandbox import execute_stream
from codealign.sandbox.stream import parse


def run(*rows: object) -> list[dict[str, object]]:
    out = io.StringIO()
    execute_stream([json.dumps(r) + "\n" for r in rows], out, accept="basic")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_line_a_program_in_order() -> None:
    rows = run({"id": "a", "code": "print(1)"}, {"id": "b", "code": "assert 0"})
    assert [(r["id"], r["verdict"], r["stdout"]) for r in rows] == [
        ("a", "pass", "1\n"),
        ("b", "fail", ""),
    ]


def test_other_keys_are_carried_through_and_results_win() -> None:
    (row,) = run({"id": "a", "code": "", "model": "nano", "verdict": "mine"})
    assert (row["model"], row["verdict"]) == ("nano", "pass")


def test_limits_are_taken() -> None:
    (row,) = run({"id": "a", "code": "while True: pass", "cpu_s": 0.2})
    assert row["verdict"] == "timeout"


def test_calls_give_outputs_as_text() -> None:
    calls = [["f", [1]], ["f", ["a"]]]
    (row,) = run({"id": "a", "code": "def f(x): return {x + 1}", "calls": calls})
    assert row["outputs"][0] == {"value": "{2}"}
    assert row["outputs"][1]["error"].startswith("TypeError")


def test_the_counts_are_returned_and_empty_lines_skipped() -> None:
    lines = ['{"id": "a", "code": ""}\n', "\n", '{"id": "b", "code": ""}\n']
    assert execute_stream(lines, io.StringIO(), accept="basic") == {"pass": 2}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"id": "a"}', "'code' must be a text"),
        ('{"id": 1, "code": ""}', "'id' must be a text"),
        ('{"id": "a", "code": "", "cpu_s": "2"}', "'cpu_s' must be a positive number"),
        ('{"id": "a", "code": "", "wall_s": 0}', "'wall_s' must be a positive number"),
    ],
)
def test_a_bad_line_is_named(line: str, message: str) -> None:
    with pytest.raises(CodealignError, match=f"line 3: .*{message}"):
        parse(line, "line 3")
