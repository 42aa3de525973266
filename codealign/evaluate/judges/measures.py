"""Measures of code and of its explanation, each from 0 (worst) to 1 (best).

A measure takes the evidence of an answer and of the reference answer, and returns None where it is
not defined (no function, no identifier), so that its weight goes to the others. So does `static`
with a measure that raises: radon does where code is nested too deeply for it, or holds a line
separator that its tokenizer splits at. Answers whose code does not parse never come here.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable

from radon.metrics import h_visit, mi_compute, mi_parameters

from codealign.evaluate.judges.evidence import Evidence

SPEED_RULES = ("PERF", "C4")
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
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
            nodes = [n for target in targets for n in ast.walk(target)]
            names |= {n.id for n in nodes if isinstance(n, ast.Name)}
    return _share([len(n.strip("_")) >= 3 for n in sorted(names)])


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
    complexities = [1 + decisions(function) for function in evidence.functions]
    return down(max(complexities), 4, 15) if complexities else None


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
    counts = [_operations(s) for s in ast.walk(evidence.tree) if isinstance(s, ast.stmt)]
    return down(max(counts, default=0), 4, 12)


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
    operations: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | None):
            operations[repr(node.value)] += 1
        elif isinstance(node, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
            operations[type(node).__name__] += 1
        elif isinstance(node, ast.Call):
            function = node.func
            operations[getattr(function, "attr", getattr(function, "id", "call"))] += 1
    return operations


def agrees(evidence: Evidence, reference: Evidence) -> float | None:
    """F1 of the operations against the reference's: a weak sign that it does the same thing."""
    if reference.fault:
        return None
    own, other = vocabulary(evidence.tree), vocabulary(reference.tree)
    total = own.total() + other.total()
    return 2 * (own & other).total() / total if total else None


# An answer's explanation.

STOP_WORDS = frozenset(
    """a all an and are as at be by each every for from function given has have if in into is it its
    of on or return returns that the their them then this to up we which with write you""".split()
)
FULL_LENGTH = 25  # words
STEPS = ast.Assign | ast.AugAssign | ast.Return | ast.If | ast.For | ast.While | ast.comprehension
MOST_STEPS = 5


def sentences(text: str) -> list[str]:
    """Return the sentences and list items of a text that have at least three words."""
    parts = re.split(
        r"[.!?:;]\s+|[.!?:;]?\n+", re.sub(r"^\s*(\d+[.)]|[-*])\s+", "", text, flags=re.M)
    )
    return [p for p in parts if len(p.split()) >= 3]


def content_words(text: str) -> set[str]:
    """Return the words that carry meaning, in lower case, without a plural s."""
    words = re.findall(r"[a-z]{2,}", text.lower())
    return {w.rstrip("s") for w in words if w not in STOP_WORDS}


def present(evidence: Evidence, reference: Evidence) -> float:
    """Words of the explanation against 25; longer is no better."""
    return min(len(evidence.explanation.split()) / FULL_LENGTH, 1.0)


def covers_steps(evidence: Evidence, reference: Evidence) -> float:
    """Sentences or list items against the code's steps, at most 5 of them.

    Steps are assignments, returns, branches, loops and comprehension clauses.
    """
    steps = sum(isinstance(n, STEPS) for n in ast.walk(evidence.tree))
    wanted = min(max(steps, 1), MOST_STEPS)
    return min(len(sentences(evidence.explanation)) / wanted, 1.0)


def about_the_task(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of the task's content words that the explanation uses, full from one half on."""
    task = content_words(evidence.instruction)
    if not task:
        return None
    return min(2 * len(task & content_words(evidence.explanation)) / len(task), 1.0)


def plain_sentences(evidence: Evidence, reference: Evidence) -> float:
    """Share of sentences of at most 25 words; 0 without an explanation."""
    return _share([len(s.split()) <= 25 for s in sentences(evidence.explanation)]) or 0.0


def commented(evidence: Evidence, reference: Evidence) -> float:
    """Docstring or comment lines against one in every five lines of code, full from there on."""
    lines = [line.strip() for line in evidence.code.splitlines() if line.strip()]
    notes = sum(line.startswith(("#", '"""', "'''")) for line in lines)
    return min(5 * notes / len(lines), 1.0) if lines else 0.0


# Constraints that an instruction puts on how code is written, checked on its syntax tree.


def _has(kind: type | object) -> Callable[[Evidence], bool]:
    return lambda e: any(isinstance(n, kind) for n in ast.walk(e.tree))


def _lacks(kind: type | object) -> Callable[[Evidence], bool]:
    has = _has(kind)
    return lambda e: not has(e)


def body(evidence: Evidence) -> list[ast.stmt]:
    """Return the statements of the main function, without its docstring; [] without one."""
    if evidence.main is None:
        return []
    skip = ast.get_docstring(evidence.main) is not None
    return evidence.main.body[1:] if skip else evidence.main.body


def single_return(evidence: Evidence) -> bool:
    """The main function is one return statement with a value."""
    statements = body(evidence)
    only = statements[0] if len(statements) == 1 else None
    return isinstance(only, ast.Return) and only.value is not None


def named_steps(evidence: Evidence) -> bool:
    """The main function names a computed value, has no loop and no comprehension in another."""
    statements = body(evidence)
    computed = ast.Call | ast.BinOp | ast.Compare | ast.Subscript | COMPREHENSIONS
    assigned = [s.value for s in statements if isinstance(s, ast.Assign | ast.AnnAssign)]
    loops = any(isinstance(s, ast.For | ast.While) for s in statements)
    flat = all(sum(isinstance(n, COMPREHENSIONS) for n in ast.walk(s)) <= 1 for s in statements)
    return any(isinstance(value, computed) for value in assigned) and not loops and flat


def recursive(evidence: Evidence) -> bool:
    """Some function calls itself by its name."""
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == f.name
        for f in evidence.functions
        for n in ast.walk(f)
    )


CHECKS: tuple[tuple[str, Callable[[Evidence], bool]], ...] = (
    (r"\b(for|explicit) loop\b", _has(ast.For)),
    (r"\bwhile loop\b", _has(ast.While)),
    (r"\bwithout (using )?(any |a )?loops?\b", _lacks(ast.For | ast.While)),
    (r"\bsingle return expression\b|\bone-liner\b|\bin one line\b", single_return),
    (r"\bnamed variable for each step\b|\beach step on its own line\b", named_steps),
    (r"(?<!not )(?<!without )\b(use|using|with|by) (a )?recurs(ion|ive)", recursive),
    (r"\b(use|using|with) (a )?list comprehension", _has(ast.ListComp)),
    (r"\b(use|using|with) (a )?lambda", _has(ast.Lambda)),
    (r"\bdocstrings?\b", lambda e: documented(e, e) == 1),
    (r"\btype (hints?|annotations?)\b", lambda e: hinted(e, e) == 1),
    (r"\b(error|exception) handling\b", _has(ast.Try | ast.TryStar | ast.Raise)),
    (r"\bwithout (using )?(any )?imports?\b", _lacks(ast.Import | ast.ImportFrom)),
    (r"\b(write|create|implement|design|define) an? (\w+ )?class\b", _has(ast.ClassDef)),
)


def checks(text: str) -> list[Callable[[Evidence], bool]]:
    """Return the check of each constraint that a text names."""
    return [check for pattern, check in CHECKS if re.search(pattern, text, re.IGNORECASE)]


def followed(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of the task's recognised constraints that hold; None if none is recognised."""
    asked = checks(f"{evidence.instruction} {evidence.principle}")
    return _share([check(evidence) for check in asked])


# An estimate of the order of growth of a piece of code, from its syntax tree alone.
#
# The order is the deepest nesting of loops, comprehensions and scans: 0 is constant, 1 linear, 2
# quadratic. A scan is a call or an `in` that reads a whole sequence; it counts only inside a loop.
# What is not seen: how often a loop really runs (halving, a fixed number of rounds), what a called
# function does, recursion, and whether a parameter is a set.

SCANS = frozenset("sum min max sorted list set tuple any all reversed".split())
SCAN_METHODS = frozenset("count index remove sort insert".split())
HASHED = frozenset("set frozenset dict Counter defaultdict OrderedDict".split())


def order(tree: ast.AST) -> int:
    """Return the estimated order of growth."""
    hashed, deepest, todo = hashed_names(tree), 0, [(tree, 0)]
    while todo:  # no recursion: a chain of `+` is a deep tree
        node, level = todo.pop()
        deepest = max(deepest, level)
        todo += _children(node, level, hashed)
    return deepest


def hashed_names(tree: ast.AST) -> set[str]:
    """Return the names that are assigned or annotated as a set or a dictionary."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_hashed(node.value):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if _is_hashed(node.annotation) or (node.value and _is_hashed(node.value)):
                names.add(node.target.id)
        elif isinstance(node, ast.arg) and node.annotation and _is_hashed(node.annotation):
            names.add(node.arg)
    return names


def _is_hashed(node: ast.expr) -> bool:
    """Tell whether a value or an annotation is a set or a dictionary."""
    if isinstance(node, ast.Call):
        return _is_hashed(node.func)
    if isinstance(node, ast.Subscript):  # set[int]
        return _is_hashed(node.value)
    if isinstance(node, ast.Name):
        return node.id in HASHED
    return isinstance(node, ast.Set | ast.Dict | ast.SetComp | ast.DictComp)


def _children(node: ast.AST, inside: int, hashed: set[str]) -> list[tuple[ast.AST, int]]:
    """Return the parts of a node, each with the number of loops around it."""
    if isinstance(node, ast.For | ast.AsyncFor):  # what it runs over is read once, outside
        rest = [n for n in ast.iter_child_nodes(node) if n is not node.iter]
        return [(node.iter, inside), *((n, inside + 1) for n in rest)]
    if isinstance(node, COMPREHENSIONS):
        return _comprehension(node, inside)
    scan = isinstance(node, ast.While) or (inside > 0 and _scans(node, hashed))
    return [(child, inside + scan) for child in ast.iter_child_nodes(node)]


def _comprehension(node: COMPREHENSIONS, inside: int) -> list[tuple[ast.AST, int]]:
    clauses: list[tuple[ast.AST, int]] = []
    for extra, generator in enumerate(node.generators):
        clauses.append((generator.iter, inside + extra))
        clauses += [(condition, inside + extra + 1) for condition in generator.ifs]
    parts = [p for p in ast.iter_child_nodes(node) if not isinstance(p, ast.comprehension)]
    return clauses + [(part, inside + len(node.generators)) for part in parts]


def _scans(node: ast.AST, hashed: set[str]) -> bool:
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        where = node.comparators[0]
        known = isinstance(where, ast.Name) and where.id in hashed
        return isinstance(where, ast.Name | ast.Subscript) and not known
    if not isinstance(node, ast.Call) or not node.args:
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in SCAN_METHODS
    fed = isinstance(node.args[0], ast.GeneratorExp)  # the generator is the loop itself
    return isinstance(node.func, ast.Name) and node.func.id in SCANS and not fed
