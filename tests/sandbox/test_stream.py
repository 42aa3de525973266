"""Programs as JSON Lines: one answer per line, whatever the line."""

from __future__ import annotations

import io
import json
import re

import pytest

from codealign.sandbox import execute_stream
from codealign.sandbox.stream import read


def run_lines(*lines: str | bytes) -> list[dict[str, object]]:
    out = io.StringIO()
    execute_stream(lines, out, accept="basic")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def run(*rows: object) -> list[dict[str, object]]:
    return run_lines(*(json.dumps(r) + "\n" for r in rows))


def test_one_line_a_program_in_order() -> None:
    rows = run({"id": "a", "code": "print(1)"}, {"id": "b", "code": "assert 0"})
    assert [(r["id"], r["verdict"], r["stdout"]) for r in rows] == [
        ("a", "pass", "1\n"),
        ("b", "fail", ""),
    ]


def test_an_id_keeps_its_type() -> None:
    rows = run({"id": 1, "code": ""}, {"id": 2.5, "code": ""}, {"id": "1", "code": ""})
    assert [r["id"] for r in rows] == [1, 2.5, "1"]


def test_keys_come_in_the_documented_order_and_what_was_carried_last() -> None:
    (row,) = run({"model": "nano", "id": "a", "code": "", "verdict": "mine", "n": [1, {"x": None}]})
    own = ["id", "verdict", "detail", "level", "cpu_s", "stdout", "outputs", "cut"]
    assert list(row) == [*own, "model", "n"]
    assert (row["verdict"], row["model"], row["n"]) == ("pass", "nano", [1, {"x": None}])


def test_limits_are_taken() -> None:
    (row,) = run({"id": "a", "code": "while True: pass", "cpu_s": 0.2})
    assert row["verdict"] == "timeout"


def test_a_memory_limit_is_taken() -> None:
    code = "x = bytearray(200 << 20)"  # 200 MiB
    rows = run({"id": 1, "code": code}, {"id": 2, "code": code, "memory_mb": 1.5})
    # beside its own memory_mb a program may use 128 MiB of private memory for the interpreter
    assert [r["verdict"] for r in rows] == ["pass", "fail"]
    assert rows[1]["detail"] == "MemoryError: "


def test_a_sleeper_is_stopped_at_its_wall_limit() -> None:
    (row,) = run({"id": "a", "code": "import time; time.sleep(60)", "wall_s": 0.3})
    assert (row["verdict"], "wall limit" in str(row["detail"])) == ("timeout", True)


def test_calls_give_outputs_as_text() -> None:
    calls = [["f", [1]], ["f", ["a"]], ["g", []]]
    code = "def f(x): return {x + 1}\ndef g(): return 10 ** 5000"
    (row,) = run({"id": "a", "code": code, "calls": calls})
    assert row["outputs"][0] == {"value": "{2}"}
    assert row["outputs"][1]["error"].startswith("TypeError")
    assert row["outputs"][2]["error"].startswith("no text for the value")  # over 4300 digits


def test_output_beyond_its_cap_is_cut_and_flagged() -> None:
    code = "for _ in range(1000): print('x' * 10_000)"
    (row,) = run({"id": "a", "code": code})
    assert (row["verdict"], row["cut"], len(str(row["stdout"]))) == ("pass", True, 65536)


def test_the_counts_are_returned_and_empty_lines_skipped() -> None:
    lines = ['{"id": "a", "code": ""}\n', "\n", '{"id": "b", "code": ""}\n']
    assert execute_stream(lines, io.StringIO(), accept="basic") == {"pass": 2}


def test_empty_input_gives_nothing_and_says_so() -> None:
    out, said = io.StringIO(), []
    assert execute_stream([], out, accept="basic", show=said.append) == {}
    assert out.getvalue() == ""
    assert said[0].startswith("isolation: ") and said[1].startswith("no programs")


def test_the_level_is_shown_before_the_first_program_and_stands_in_each_result() -> None:
    said: list[str] = []
    out = io.StringIO()

    def lines():
        assert len(said) == 1
        yield '{"id": 1, "code": ""}'

    execute_stream(lines(), out, accept="basic", show=said.append)
    assert f"isolation: {json.loads(out.getvalue())['level']} " in said[0]


def test_a_line_that_is_no_program_has_its_place_and_harms_no_other() -> None:
    good = [f'{{"id": {i}, "code": ""}}' for i in range(2)]
    rows = run_lines("{", good[0], b"\xff\xfe\n", "[" * 100_000, good[1], '{"id": 7}')
    assert [r["verdict"] for r in rows] == ["invalid", "pass", "invalid", "invalid", "pass"] + [
        "invalid"
    ]
    assert [r["id"] for r in rows] == [None, 0, None, None, 1, 7]
    assert [str(r["detail"]).split(" (")[0] for r in rows] == [
        "line 1: not JSON",
        "",
        "line 3: not UTF-8",
        "line 4: not JSON",
        "",
        "line 6: 'code' must be a text; valid: id",
    ]


def test_a_surrogate_in_the_code_is_the_programs_fault() -> None:
    (row,) = run_lines('{"id": 1, "code": "x = \'\\ud800\'"}')
    assert row["verdict"] == "fail"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"id": "a"}', "'code' must be a text"),
        ('{"id": "a", "cod": ""}', "'code' must be a text; did you mean 'cod'?"),
        ('{"id": null, "code": ""}', "'id' must be a text or a number"),
        ('{"id": true, "code": ""}', "'id' must be a text or a number"),
        ('{"id": "a", "code": "", "cpu_s": "2"}', "'cpu_s' must be a positive number"),
        ('{"id": "a", "code": "", "cpu_s": NaN}', "'cpu_s' must be a positive number"),
        ('{"id": "a", "code": "", "wall_s": 0}', "'wall_s' must be a positive number"),
        ('{"id": "a", "code": "", "memory_mb": 1e9}', "'memory_mb' must be .* at most 1048576"),
        ('{"id": "a", "code": "", "calls": ["f"]}', "'calls' must be a list of"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(line: str, message: str) -> None:
    found = read(line, "line 3")
    assert found.program is None
    assert re.search(f"line 3: .*{message}", found.fault)
