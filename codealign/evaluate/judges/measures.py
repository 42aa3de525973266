"""Measures of code from static analysis, each from 0 (worst) to 1 (best).

A measure takes the evidence of an answer and of the reference answer, and returns None where it is
not defined (no function, no identifier), so that its weight goes to the others. So does `static`
with a measure that raises: radon does where code is nested too deeply for it, or holds a line
separator that its tokenizer splits at. Answers whose code does not parse never come here.
"""

from __future__ import annotations

import ast
import math
from collections import Counter

from radon.metrics import h_visit, mi_compute, mi_parameters

from codealign.evaluate.judges.evidence import Evidence
from codealign.evaluate.judges.growth import order

SPEED_RULES = ("PERF", "C4")
COMMENTS_ENOUGH = math.degrees((math.pi / 2) ** 2 / 2.46)
"""Comment lines per 100 lines of code, 57.5, at which radon's term for them, a sine, has its peak.
From there it falls, below 0 from 230 on, as in a short function with a long docstring."""


def down(value: float, good: float, bad: float) -> float:
    """Return 1 up to `good`, 0 from `bad` on, and a straight line between."""
    return min(1.0, max(0.0, (bad - value) / (bad - good)))


def _share(flags: list[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def documented(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of functions with a docstring."""
    return _share([ast.get_docstring(f) is not None for f in evidence.functions])


def hinted(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of parameters (`self` and `cls` aside) and returns with a type hint."""
    flags: list[bool] = []
    for function in evidence.functions:
        a = function.args
        arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs]
        flags += [x.annotation is not None for x in arguments if x.arg not in ("self", "cls")]
        flags.append(function.returns is not None)
    return _share(flags)


def named(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of functions, parameters and variables whose names have at least three letters.

    Loop variables may be short.
    """
    names = {f.name for f in evidence.functions}
    for node in ast.walk(evidence.tree):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {t.id for target in targets for t in ast.walk(target) if _is_name(t)}
    return _share([len(n.strip("_")) >= 3 for n in sorted(names)])


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def clean(evidence: Evidence, reference: Evidence) -> float:
    """1 without a violation of ruff's rules, 0 from one violation in every two lines on."""
    lines = max(evidence.code.strip().count("\n") + 1, 4)
    return down(sum(evidence.lint.values()) / lines, 0, 0.5)


def speedy_idioms(evidence: Evidence, reference: Evidence) -> float:
    """1 without a violation of ruff's rules on speed (PERF, C4), 0 from two on."""
    return down(sum(n for rule, n in evidence.lint.items() if rule.startswith(SPEED_RULES)), 0, 2)


def decisions(node: ast.AST) -> int:
    """Return the decisions in a piece of code: radon's, those of nested functions included.

    Radon leaves out what nested functions hold, and `except*`.
    """
    return sum(_decides(n) for n in ast.walk(node))


def _decides(node: ast.AST) -> int:
    if isinstance(node, ast.Try | ast.TryStar):
        return len(node.handlers) + bool(node.orelse)
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return 1 + bool(node.orelse)
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.Match):
        default = any(getattr(case.pattern, "pattern", 0) is None for case in node.cases)
        return len(node.cases) - default
    return isinstance(node, ast.If | ast.IfExp | ast.Assert)


def simple(evidence: Evidence, reference: Evidence) -> float | None:
    """Cyclomatic complexity, the worst function: 1 up to 4, 0 from 15 on."""
    found = [1 + decisions(function) for function in evidence.functions]
    return down(max(found), 4, 15) if found else None


def maintainable(evidence: Evidence, reference: Evidence) -> float | None:
    """Radon's maintainability index, 0 to 100, as a share of 100.

    More comments than suffice count no more, and not against the code. Undefined for code without
    an operator, for which radon gives 100.
    """
    volume, _, lines, comments = mi_parameters(evidence.code)
    if not volume:
        return None
    comments = min(comments, COMMENTS_ENOUGH)
    return mi_compute(volume, 1 + decisions(evidence.tree), lines, comments) / 100


def effort(evidence: Evidence, reference: Evidence) -> float | None:
    """Halstead effort against the reference's: 1 up to the same, 0 from four times on."""
    if reference.fault:
        return None
    own, other = (h_visit(e.code).total.effort for e in (evidence, reference))
    return down(own / other, 1, 4) if other else None


def narrow(evidence: Evidence, reference: Evidence) -> float:
    """Share of lines of at most 79 characters."""
    return _share([len(line) <= 79 for line in evidence.code.splitlines()]) or 0.0


def one_idea_a_line(evidence: Evidence, reference: Evidence) -> float:
    """Operations (calls, comparisons, arithmetic, comprehensions) of the busiest statement.

    1 up to 4 operations, 0 from 12 on. Blocks count by their headers.
    """
    found = [_operations(s) for s in ast.walk(evidence.tree) if isinstance(s, ast.stmt)]
    return down(max(found, default=0), 4, 12)


def _operations(statement: ast.stmt) -> int:
    kinds = ast.Call | ast.BinOp | ast.Compare | ast.BoolOp | ast.IfExp | ast.comprehension
    count, todo = 0, list(ast.iter_child_nodes(statement))
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.stmt):
            count += isinstance(node, kinds | ast.Subscript)
            todo.extend(ast.iter_child_nodes(node))
    return count


def efficient(evidence: Evidence, reference: Evidence) -> float:
    """Estimated order against the reference's (at least 1): the same 1, one more 0.3, more 0."""
    allowed = 1 if reference.fault else max(order(reference.tree), 1)
    return (1.0, 0.3, 0.0)[min(max(order(evidence.tree) - allowed, 0), 2)]


def asked_signature(evidence: Evidence, reference: Evidence) -> float | None:
    """Half for the reference's function name (or one the task names), half for its arity."""
    if reference.main is None:
        return None
    if evidence.main is None:
        return 0.0
    name, task = evidence.main.name, f"{evidence.instruction} "
    right_name = name == reference.main.name or f"{name}(" in task or f" {name} " in task
    arity = [len(e.main.args.args) for e in (evidence, reference)]
    return (right_name + (arity[0] == arity[1])) / 2


def vocabulary(tree: ast.AST) -> Counter[str]:
    """Return the operations of a piece of code: constants, operators, functions called."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | None):
            found[repr(node.value)] += 1
        elif isinstance(node, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
            found[type(node).__name__] += 1
        elif isinstance(node, ast.Call):
            function = node.func
            found[getattr(function, "attr", getattr(function, "id", "call"))] += 1
    return found


def agrees(evidence: Evidence, reference: Evidence) -> float | None:
    """F1 of the operations against the reference's: a weak sign that it does the same thing."""
    if reference.fault:
        return None
    own, other = vocabulary(evidence.tree), vocabulary(reference.tree)
    total = own.total() + other.total()
    return 2 * (own & other).total() / total if total else None
