"""An exit with status 0 is a program's end if nothing of the program was left to run."""

from __future__ import annotations

import pytest

from codealign.sandbox.inside.ending import FILE, is_last_act

BEFORE = "import sys\ndef f(x): return x\ndef leave(): sys.exit(0)\nassert f(1) == 1\n"


def left_at_its_end(code: str) -> bool:
    with pytest.raises(SystemExit) as raised:
        exec(compile(code, FILE, "exec"), {"__name__": "__main__"})
    trace = raised.value.__traceback__
    while trace.tb_frame.f_code.co_filename != FILE:
        trace = trace.tb_next
    return is_last_act(code, trace)


@pytest.mark.parametrize(
    "last",
    [
        "sys.exit(0)", "raise SystemExit", "raise SystemExit(f(0))", "sys.exit(f(None))",
        "if __name__ == '__main__':\n    f(2)\n    sys.exit()",
        "if f(0):\n    pass\nelif f(1):\n    sys.exit()\nelse:\n    pass",
        "import contextlib\nwith contextlib.suppress(KeyError):\n    sys.exit()",
        "sys.exit(\n    f(\n        0\n    )\n)",
    ],
)  # fmt: skip
def test_an_exit_as_the_last_statement_is_the_end(last: str) -> None:
    assert left_at_its_end(BEFORE + last)


@pytest.mark.parametrize(
    "last",
    [
        "sys.exit(0)\nassert f(1) == 2", "leave()", "assert leave() == 1", "x = sys.exit()",
        "f(sys.exit())", "sys.exit(leave())", "for i in range(2):\n    sys.exit()",
        "if f(1):\n    sys.exit()\n    f(2)", "try:\n    sys.exit()\nfinally:\n    f(1)",
        "if f(1):\n    sys.exit()\nf(1)", "class A:\n    sys.exit()", "sys.exit() or f(1)",
        "list(map(lambda x: leave(), [1]))",
    ],
)  # fmt: skip
def test_an_exit_before_something_that_was_left_to_run_is_not(last: str) -> None:
    assert not left_at_its_end(BEFORE + last)


@pytest.mark.parametrize("code", ["raise SystemExit", "import sys\nx = 1\nsys.exit()", "exit()"])
def test_a_program_that_only_exits_has_shown_nothing(code: str) -> None:
    assert not left_at_its_end(code)
