"""Whether a program that exits with status 0 does so as its last act, or before its end.

`unittest.main()` and `sys.exit(main())` leave by an exception although the whole program has run;
the same exit in a function that a test calls skips the test. They are told apart by where the
exception was raised: at the program's last statement, and not within a function of its own.
"""

from __future__ import annotations

import ast
from itertools import islice
from types import TracebackType

FILE = "main.py"
"""The program's name in its tracebacks, and its file in the work folder."""
_SETTING_UP = (ast.Import, ast.ImportFrom, ast.Assign)
_EXITS = (ast.Expr, ast.Raise)


def is_last_act(code: str, trace: TracebackType | None) -> bool:
    """Whether an exit ended a program that had nothing left to run.

    A program that consists of the exit alone has shown nothing, and does not count.

    Parameters
    ----------
    trace : of the exit, from the program's own module on.
    """
    if trace is None or any(t.tb_frame.f_code.co_filename == FILE for t in _after(trace)):
        return False
    try:
        before, last = _path(ast.parse(code).body, trace.tb_lineno)
    except (RecursionError, MemoryError):  # an expression too deep to be read from here
        return False
    if all(isinstance(s, _SETTING_UP) for s in before) or not isinstance(last, _EXITS):
        return False
    return _end(trace) == (last.end_lineno, last.end_col_offset)


def _after(trace: TracebackType) -> list[TracebackType]:
    callees = []
    while trace.tb_next is not None:
        trace = trace.tb_next
        callees.append(trace)
    return callees


def _path(body: list[ast.stmt], line: int) -> tuple[list[ast.stmt], ast.stmt]:
    """Statements before the last one, and that: in the branch with the line, if it has branches."""
    *before, last = body
    while isinstance(last, ast.If | ast.With):
        other = last.orelse if isinstance(last, ast.If) else []
        *more, last = other if other and line >= other[0].lineno else last.body
        before += more
    return before, last


def _end(trace: TracebackType) -> tuple[int | None, int | None]:
    """Line and column at which the expression ends that was being evaluated."""
    # One position for each instruction, and `tb_lasti` counts bytes, two for each.
    positions = trace.tb_frame.f_code.co_positions()
    _, line, _, column = next(islice(positions, trace.tb_lasti // 2, None))
    return line, column
