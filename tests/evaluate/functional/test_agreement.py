"""Our verdicts and evalplus' own, sample by sample, on right and on spoilt solutions."""

from __future__ import annotations

import ast

import pytest
from public_files import public_problems

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.expected import Expected, expect
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.sandbox import Sandbox

SWAPS = {ast.Add: ast.Sub, ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.And: ast.Or}


class Spoil(ast.NodeTransformer):
    """Changes operators, and numbers by one."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        node.op = SWAPS.get(type(node.op), type(node.op))()
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        node.ops = [SWAPS.get(type(op), type(op))() for op in node.ops]
        return self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        as_text = ast.parse("0 if x is None else x", mode="eval").body
        as_text.test.left = as_text.orelse = node.value or ast.Constant(None)
        node.value = as_text
        return node


def samples(problem: Problem) -> list[str]:
    """The canonical solution, and spoilt ones (some still right)."""
    code = problem.canonical
    spoilt = ast.unparse(ast.fix_missing_locations(Spoil().visit(ast.parse(code))))
    name = problem.entry_point
    wrapped = f"{code}\n_f = {name}\ndef {name}(*a):\n    r = _f(*a)\n"
    return [
        code,
        spoilt,
        wrapped + "    return float(r) if isinstance(r, int) else r",
        wrapped + "    return tuple(r) if isinstance(r, list) else [r]",
        wrapped + "    return r + 1e-9 if isinstance(r, float) else r",
        code.replace("return", "return None and", 1),
    ]


def theirs(benchmark: str, expected: Expected, solution: str) -> bool:
    from evalplus.eval import PASS, untrusted_check

    problem, split = expected.problem, len(expected.problem.base_input)
    suites = (
        (problem.base_input, expected.outputs[:split]),
        (problem.plus_input, expected.outputs[split:]),
    )
    return all(
        untrusted_check(
            benchmark, solution, inputs, problem.entry_point, wanted, problem.atol,
            [0.1] * len(inputs), fast_check=True,
        )[0] == PASS
        for inputs, wanted in suites
    )  # fmt: skip


@pytest.mark.parametrize(
    ("benchmark", "source"), [("humaneval", "nano"), ("humaneval", "public"), ("mbpp", "public")]
)
def test_verdicts_agree_with_evalplus(benchmark: str, source: str, sandbox: Sandbox) -> None:
    limit = 8
    nano = source == "nano"
    these = load(benchmark, "nano", limit=limit) if nano else public_problems(benchmark, limit)
    expected = expect(these, sandbox)
    solutions = {t: samples(p) for t, p in these.items()}
    found = evaluate(benchmark, solutions, these, sandbox).attempts
    ours = {(t, a.index): a.passed for t, tried in found.items() for a in tried}
    own = {(t, a.index): theirs(benchmark, expected[t], a.solution) for t, tried in found.items()
           for a in tried}  # fmt: skip
    assert ours == own
    assert set(ours.values()) == {True, False}
