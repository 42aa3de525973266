"""Whether an output is right, by evalplus' and evoeval's rules, on the host.

Their own code compares inside the process that runs the solution. Here only outputs leave that
process, so the loops around the comparisons had to be restated; the comparisons themselves
(`is_floats`, `is_equal`, the special oracles) are the libraries' own functions. Differences:

- a solution's changes to its arguments are not seen by the special oracles;
- an object of the solution's own class equals nothing, whatever its `__eq__` says;
- evalplus 0.3.1 fails every solution of HumanEval/32 (`find_zero`), the canonical one too: after
  the check of the polynomial it goes on without noting the test as passed; here the check decides;
- a module is executed once for base and added tests together where evalplus executes it for each
  (where the added tests are costly, they are run apart, so here too);
- a solution that a base test ends (it crashes, leaves or takes too long in one call) has failed the
  added tests too, which evalplus would still run; it passes neither way;
- EvoEval checks HumanEval/32 of Verbose and Concise by `_poly(*out, inp)`, which raises for every
  solution; here it is checked as evalplus checks it, `_poly(*inp, out)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from codealign.evaluate.functional.problems import Problem
from codealign.sandbox import Hashed, Outcome

Check = Callable[[list[Any], Any, Any], bool]
ROUNDING = 1e-6
RELATIVE = 1e-7
POLYNOMIAL_ROOT = 1e-6


def agreements(
    problem: Problem, inputs: Sequence[list[Any]], outcomes: Sequence[Outcome], expected: list[Any]
) -> Iterator[bool | None]:
    """Yield for each test whether the outcome is right; stops where outcomes stop.

    None where only the hashes of large outputs are known, and they differ: the values may still be
    equal, or near enough.
    """
    check = _evoeval(problem) if problem.oracle.startswith("evoeval_") else _Evalplus(problem)
    for arguments, outcome, wanted in zip(inputs, outcomes, expected, strict=False):
        if outcome.error:
            yield False
            continue
        try:
            yield bool(check(arguments, outcome.value, wanted))
        except _Undecided:
            yield None
        except Exception:  # a wrong type may break any comparison; the libraries count it as wrong
            yield False


class _Undecided(Exception):
    """Two values are known by unequal hashes only."""


def _same_hash(out: Any, wanted: Any) -> bool:
    """Whether two large values are the same; False if neither is large."""
    if isinstance(wanted, bool) or not (isinstance(out, Hashed) or isinstance(wanted, Hashed)):
        return False
    if isinstance(out, Hashed) and out == wanted:
        return True
    raise _Undecided


def expects_only_presence(problem: Problem) -> bool:
    """Whether only an output other than None is asked for (three problems of MBPP)."""
    from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS

    return problem.oracle == "mbpp" and problem.entry_point in MBPP_OUTPUT_NOT_NONE_TASKS


class _Evalplus:
    """Restates the loop of `evalplus.eval.unsafe_execute`, its state included.

    Once a float is expected with no tolerance given, 1e-6 holds for all later tests of the suite.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.atol = problem, problem.atol

    def __call__(self, arguments: list[Any], out: Any, wanted: Any) -> bool:
        from evalplus.eval import is_floats
        from evalplus.eval._special_oracle import _poly

        if self.problem.oracle == "humaneval" and self.problem.entry_point == "find_zero":
            return abs(_poly(*arguments, out)) <= self.problem.atol
        # `is_floats` cannot look into a hash, and equal hashes return before it is asked.
        if self.atol == 0 and isinstance(wanted, Hashed) and wanted.floats:
            self.atol = ROUNDING
        if _same_hash(out, wanted):
            return True
        if self.problem.oracle == "mbpp":
            exact = _mbpp(self.problem, arguments, out, wanted, self.atol)
        else:
            exact = _truth(out == wanted)
        if self.atol == 0 and is_floats(wanted):
            self.atol = ROUNDING
        if exact or self.atol == 0:
            return exact
        return _close(out, wanted, self.atol)


def _mbpp(problem: Problem, arguments: list[Any], out: Any, wanted: Any, atol: float) -> bool:
    """Exact match by the special oracles of MBPP+."""
    from evalplus.eval import _special_oracle as special

    name = problem.entry_point
    if name in special.MBPP_OUTPUT_SET_EQ_TASKS:
        return set(out) == set(wanted)
    if name in special.MBPP_OUTPUT_NOT_NONE_TASKS:
        return _truth(out == wanted if isinstance(out, bool) else wanted == (out is not None))
    if _truth(out == wanted) or name == "are_equivalent":
        return True  # to `are_equivalent` evalplus takes any answer that does not raise
    if name == "sum_div":
        return _truth(out == 0)
    if name == "surface_Area":
        return bool(abs(out - special._surface_Area(*arguments)) <= atol)
    if name == "digit_distance_nums":
        return _truth(out == special._digit_distance_nums(*arguments))
    return False


def _truth(value: Any) -> bool:
    """`bool`, which raises for arrays of several items just as an assertion would."""
    return bool(value)


def _close(out: Any, wanted: Any, atol: float) -> bool:
    import numpy as np

    if type(out) is not type(wanted):
        return False
    if isinstance(wanted, list | tuple) and len(out) != len(wanted):
        return False
    return bool(np.allclose(out, wanted, rtol=RELATIVE, atol=atol))


def _evoeval(problem: Problem) -> Check:
    """The rule of `evoeval.eval_test.unsafe_execute` for a problem."""
    from evalplus.eval._special_oracle import _poly
    from evoeval import eval_test

    category = problem.oracle.removeprefix("evoeval_")
    if category in ("verbose", "concise") and problem.task_id == "HumanEval/32":
        return lambda inp, out, _: abs(_poly(*inp, out)) <= POLYNOMIAL_ROOT
    special: dict[tuple[str, str], Callable[[list[Any], Any, Any], Any]] = {
        ("difficult", "EvoEval/10"): lambda inp, out, exp: eval_test._check_insensitive_palindrome(
            out, *inp, exp
        ),
        ("difficult", "EvoEval/32"): lambda inp, out, exp: eval_test._check_difficult_poly(
            *inp, out, exp
        ),
        ("creative", "EvoEval/26"): lambda inp, out, exp: eval_test._check_maze(*inp, out, exp),
        ("creative", "EvoEval/30"): lambda inp, out, exp: eval_test._check_path(*inp, out, exp),
        ("creative", "EvoEval/69"): lambda inp, out, exp: eval_test._check_product(*inp, out, exp),
        ("subtle", "EvoEval/32"): lambda inp, out, _: eval_test._check_poly(*inp, out),
    }
    asserting = special.get((category, problem.task_id))
    if asserting is None:
        return lambda _, out, wanted: _same_hash(out, wanted) or eval_test.is_equal(wanted, out)[0]
    return lambda inp, out, wanted: _passes(asserting, inp, out, wanted)


def _passes(asserting: Check, arguments: list[Any], out: Any, wanted: Any) -> bool:
    """Whether an oracle made of assertions raises none."""
    if not _same_hash(out, wanted):
        asserting(arguments, out, wanted)
    return True
