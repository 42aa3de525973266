"""Samples without a model: each problem's canonical solution and mechanical mutants of it.

    python benchmarks/functional_mutants.py humaneval HumanEvalPlus.jsonl.gz samples.jsonl
        [--mutants 4]

Written in evalplus' format. Each draw depends on the task id alone, so the file is always the same.
Most mutants change one place (an operator, a number, a branch, a statement); one in four is of
another sort: an endless loop, an exception, another name, another type, nothing at all.
"""

from __future__ import annotations

import argparse
import ast
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.records import seed_of, write_jsonl

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.Lt: ast.LtE,
    ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def swap_operator(node: ast.AST) -> ast.AST | None:
    """Another operator of the same sort."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
        node.op = OPERATORS[type(node.op)]()
        return node
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        node.ops = [OPERATORS[type(node.ops[0])](), *node.ops[1:]]
        return node
    return None


def shift_number(node: ast.AST) -> ast.AST | None:
    """A number one larger."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return ast.Constant(node.value + 1)
    return None


def negate_condition(node: ast.AST) -> ast.AST | None:
    """The other branch."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return node
    return None


def drop_branch(node: ast.AST) -> ast.AST | None:
    """Nothing done in a branch or a loop."""
    if isinstance(node, ast.If | ast.For):
        node.body = [ast.Pass()]
        return node
    return None


def drop_statement(node: ast.AST) -> ast.AST | None:
    """One assignment or expression less."""
    return ast.Pass() if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr) else None


def spoil_return(node: ast.AST) -> ast.AST | None:
    """None, or the value in a list."""
    if not isinstance(node, ast.Return) or node.value is None:
        return None
    node.value = ast.List([node.value], ast.Load())
    return node


PLACES = (swap_operator, swap_operator, shift_number, shift_number, negate_condition, drop_branch,
          drop_statement, spoil_return)  # fmt: skip


class _Nth(ast.NodeTransformer):
    """Applies a change at its n-th place in the entry point; `count` is the number of places."""

    def __init__(self, change: Callable[[ast.AST], ast.AST | None], place: int) -> None:
        self.change, self.place, self.count = change, place, 0

    def visit(self, node: ast.AST) -> ast.AST:
        here = self.count == self.place
        changed = self.change(node) if here else self.change(_copy(node))
        self.count += changed is not None
        return changed if here and changed is not None else self.generic_visit(node)


def _copy(node: ast.AST) -> ast.AST:
    return type(node)(**{name: getattr(node, name) for name in node._fields})


def mutate(code: str, change: Callable[[ast.AST], ast.AST | None], draw: random.Random) -> str:
    """Return the code with one change at a place drawn at random; "" if it has no such place."""
    counting = _Nth(change, -1)
    counting.visit(ast.parse(code))
    if not counting.count:
        return ""
    changed = _Nth(change, draw.randrange(counting.count)).visit(ast.parse(code))
    return ast.unparse(ast.fix_missing_locations(changed))


def wrapped(problem: Problem, body: str) -> str:
    """The canonical solution behind a function of the same name that calls it as `_f`."""
    name = problem.entry_point
    return f"{problem.canonical}\n\n_f = {name}\n\ndef {name}(*a):\n    {body}\n"


def other(problem: Problem, draw: random.Random) -> str:
    """A solution that fails, or nearly does, in a way of its own."""
    bodies = {
        "endless": wrapped(problem, "while True: pass"),
        "endless later": wrapped(problem, "r = _f(*a)\n    while r: pass\n    return r"),
        "raises": wrapped(problem, "raise ValueError('no')"),
        "recursion": wrapped(problem, f"return {problem.entry_point}(*a)"),
        "other name": problem.canonical.replace(problem.entry_point, "solution"),
        "empty": "",
        "no code": "I cannot solve this problem.",
        "float": wrapped(problem, "r = _f(*a)\n    return float(r) if type(r) is int else r"),
        "nearly": wrapped(problem, "r = _f(*a)\n    return r + 1e-9 if type(r) is float else r"),
        "tuple": wrapped(problem, "r = _f(*a)\n    return tuple(r) if type(r) is list else r"),
        "exits": wrapped(problem, "import sys; sys.exit(0)"),
        "prints": wrapped(problem, "print('x' * 1000)\n    return _f(*a)"),
        "memory": wrapped(problem, "[0] * 10**10\n    return _f(*a)"),
        "none": wrapped(problem, "return None"),
    }
    return bodies[draw.choice(sorted(bodies))]


def samples(problem: Problem, mutants: int) -> Iterator[str]:
    """Yield the canonical solution, then as many mutants, all different."""
    seen = {problem.canonical}
    yield problem.canonical
    for index in range(mutants):
        draw = random.Random(seed_of("mutant", problem.task_id, index))
        for _ in range(20):
            special = index % 4 == 3
            made = (
                other(problem, draw)
                if special
                else mutate(problem.canonical, draw.choice(PLACES), draw)
            )
            if (made or special) and made not in seen:
                break
        seen.add(made)
        yield made


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark")
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--mutants", type=int, default=4)
    args = parser.parse_args()
    problems = load(args.benchmark, data=args.data)
    rows = [
        {"task_id": p.task_id, "solution": text}
        for p in problems.values()
        for text in samples(p, args.mutants)
    ]
    print(f"{args.out}: {write_jsonl(args.out, rows)} samples of {len(problems)} problems")


if __name__ == "__main__":
    main()
