"""Which assertions only say the solution again.

A test that compares the function with its own expression cannot fail for the mistakes that matter:
whoever wrote the mistake wrote it twice. Such a test kills every mutant, so it shows only in
how it reads. Both sides of an assertion are unfolded: calls of functions of the code or the tests
become what these return, variables that are assigned once become their values. If the two syntax
trees are then the same, up to the names of bound variables and to what `normalised` evens out, the
assertion says nothing about the task. Loops are not unfolded: a loop checked against an expression,
or the other way round, is a second opinion of the same author, and counts as independent.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

Expr = ast.expr
DEPTH, MOST, LARGEST = 4, 6, 2000  # calls within calls, readings of one side, nodes of a tree
OPAQUE = "?"  # a variable whose value is not an expression (a loop made it)
EQUALITIES = ("assertEqual", "assertEquals", "assertAlmostEqual", "assertListEqual", "assertIs",
    "assertDictEqual", "assertSetEqual", "assertTupleEqual", "assertCountEqual", "assert_equal",
    "assert_allclose", "assert_almost_equal", "assert_array_equal", "isclose", "allclose",
    "array_equal")  # fmt: skip


def restating(code: str, tests: ast.Module) -> list[ast.stmt]:
    """Return the assertions of `tests` whose two sides are one expression of the code's.

    Of code that does not parse nothing is restated.
    """
    try:
        functions = _functions(ast.parse(code)) | _functions(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    reader = _Reader(functions, _assigned_once(tests))
    assertions = []
    for node in ast.walk(tests):
        sides = _sides(node)
        try:
            if sides and reader.same(*sides):
                assertions.append(node)
        except RecursionError:
            continue
    return assertions


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}


def _assigned_once(tree: ast.Module) -> dict[str, Expr]:
    stores = Counter(
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    )
    values = {
        n.targets[0].id: n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Assign) and len(n.targets) == 1 and isinstance(n.targets[0], ast.Name)
    }
    return {name: value for name, value in values.items() if stores[name] == 1}


def _sides(node: ast.AST) -> tuple[Expr, Expr] | None:
    """Return what a statement says is equal: `assert a == b`, `self.assertEqual(a, b)`, …"""
    if isinstance(node, ast.Expr):
        test = node.value
    elif isinstance(node, ast.Assert):
        test = node.test
    else:
        return None
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.Is):
        return (test.left, test.comparators[0]) if len(test.ops) == 1 else None
    if isinstance(test, ast.Call) and len(test.args) >= 2:
        if ast.unparse(test.func).rsplit(".", 1)[-1] in EQUALITIES:
            return test.args[0], test.args[1]
    return None


@dataclass
class _Reader:
    """Unfolds expressions of the tests."""

    functions: Mapping[str, ast.FunctionDef]
    values: Mapping[str, Expr]
    returned: dict[str, list[Expr]] = field(default_factory=dict)

    def same(self, left: Expr, right: Expr) -> bool:
        """Whether the sides are one expression; a literal says what it says, whatever is beside."""
        if _is_literal(left) or _is_literal(right):
            return False
        ways = [{ast.dump(normalised(e)) for e in self.unfold(s)} for s in (left, right)]
        return bool(ways[0] & ways[1])

    def unfold(self, node: Expr, depth: int = 0) -> list[Expr]:
        """Return the readings of an expression: several where a function returns in places."""
        node = _unwrapped(node)
        for _ in range(0 if depth else DEPTH):  # a value may have a variable in it again
            node = substituted(node, self.values)
        calls = [
            c for c in ast.walk(node)
            if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)
            and c.func.id in self.functions
        ]  # fmt: skip
        if not calls or depth == DEPTH:
            return [node]
        call = calls[0]
        name, function = call.func.id, self.functions[call.func.id]
        if name not in self.returned:
            self.returned[name] = list(returned(function))[:MOST]
        readings: list[Expr] = [] if depth else [node]
        for value in self.returned[name]:
            bound = _bound(function, call)
            if bound is not None and OPAQUE not in {n.id for n in _names(value)}:
                inside = _replaced(node, call, substituted(value, bound))
                if sum(1 for _ in ast.walk(inside)) < LARGEST:
                    readings += self.unfold(inside, depth + 1)
        return readings[:MOST]


def returned(function: ast.FunctionDef) -> Iterator[Expr]:
    """Yield what a function returns, in terms of its parameters: as one expression if it has no
    loops, and each return by itself."""
    body = _Body()
    whole = body.run(function.body, {})
    if whole is not None:
        yield whole
    yield from body.returns


@dataclass
class _Body:
    """Evaluates statements symbolically; `returns` collects the value of each return."""

    returns: list[Expr] = field(default_factory=list)

    def run(self, body: list[ast.stmt], known: dict[str, Expr]) -> Expr | None:
        """Return the value that the statements return, None if it is no expression."""
        for place, node in enumerate(body):
            if isinstance(node, ast.Return):
                value = substituted(node.value or ast.Constant(None), known)
                self.returns.append(value)
                return value
            if isinstance(node, ast.If):
                if _ends(node.body, ast.Raise) and not node.orelse:
                    continue  # a guard
                if _ends(node.body, ast.Return):
                    test = substituted(node.test, known)
                    first = self.run(node.body, dict(known))
                    rest = self.run([*node.orelse, *body[place + 1 :]], dict(known))
                    return ast.IfExp(test, first, rest) if first and rest else None
            self._assign(node, known)
        return None

    def _assign(self, node: ast.stmt, known: dict[str, Expr]) -> None:
        for target, value in _assignments(node):
            if isinstance(target, ast.Name) and value is not None:
                known[target.id] = substituted(value, known)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            name = ast.Name(node.target.id, ast.Load())
            known[name.id] = substituted(ast.BinOp(name, node.op, node.value), known)
        if isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.Try | ast.Expr):
            for name in _changed(node):
                known[name] = ast.Name(OPAQUE, ast.Load())
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    self.returns.append(substituted(inner.value, known))


def _assignments(node: ast.stmt) -> list[tuple[Expr, Expr | None]]:
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    pairs: list[tuple[Expr, Expr | None]] = []
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs += zip(target.elts, node.value.elts, strict=False)
        else:
            pairs.append((target, node.value))
    return pairs


def _changed(node: ast.stmt) -> set[str]:
    """Names that a statement assigns, or whose methods it calls as statements (`a.append(x)`)."""
    stored = {n.id for n in _names(node) if not isinstance(n.ctx, ast.Load)}
    calls = [n.value for n in ast.walk(node) if isinstance(n, ast.Expr)]
    methods = [
        c.func for c in calls if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute)
    ]
    return stored | {n.id for method in methods for n in _names(method.value)}


def _ends(body: list[ast.stmt], kind: type[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], kind)


def _bound(function: ast.FunctionDef, call: ast.Call) -> dict[str, Expr] | None:
    """Return the parameters' values in a call; None if they cannot be determined."""
    named = function.args
    if named.vararg or named.kwarg or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    names = [a.arg for a in (*named.posonlyargs, *named.args)]
    defaults = dict(zip(reversed(names), reversed(named.defaults), strict=False))
    given = dict(zip(names, call.args, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    values = defaults | given
    return values if set(names) <= set(values) else None


def _names(node: ast.AST) -> Iterable[ast.Name]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Name))


def _replaced(node: Expr, old: Expr, new: Expr) -> Expr:
    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return copy.deepcopy(new) if node is old else super().visit(node)

    return Swap().visit(node)


def substituted(node: Expr, values: Mapping[str, Expr]) -> Expr:
    """Return a copy of an expression with names replaced by expressions; bound names stay apart."""
    return _put(_renamed(copy.deepcopy(node), "_b"), values)


def _put(node: Expr, values: Mapping[str, Expr]) -> Expr:
    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> Expr:
            loaded = isinstance(node.ctx, ast.Load) and node.id in values
            return copy.deepcopy(values[node.id]) if loaded else node

    return Put().visit(node)


_FRESH = count()  # bound names of two expressions never meet when one is put into the other


def _renamed(node: Expr, stem: str, numbers: Iterator[int] = _FRESH) -> Expr:
    """Rename the variables that comprehensions and lambdas bind."""
    kinds = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda
    for scope in [n for n in ast.walk(node) if isinstance(n, kinds)]:
        if isinstance(scope, ast.Lambda):
            names = [a.arg for a in scope.args.args]
        else:
            names = [n.id for g in scope.generators for n in _names(g.target)]
        new = {name: f"{stem}{next(numbers)}" for name in dict.fromkeys(names)}
        # What a comprehension first runs over is evaluated outside it: its names are not bound.
        outer = scope.generators[0].iter if not isinstance(scope, ast.Lambda) else None
        kept = {id(n) for n in ast.walk(outer)} if outer is not None else set()
        for inner in ast.walk(scope):
            if id(inner) in kept:
                continue
            if isinstance(inner, ast.Name) and inner.id in new:
                inner.id = new[inner.id]
            elif isinstance(inner, ast.arg) and inner.arg in new:
                inner.arg = new[inner.arg]
    return node


def normalised(node: Expr) -> Expr:
    """Return a copy in which what reads differently and says the same is one.

    Bound variables are numbered; a generator, and `list(…)` of it, is a list comprehension; one
    that runs over another is a single one, with a condition for each `and`; `not` is drawn into
    comparisons and swaps the arms of a conditional; `>` is `<` the other way round.
    """
    copied = _Even().visit(_renamed(copy.deepcopy(node), "_b"))
    return _renamed(_renamed(copied, "_b"), "v", count())


class _Even(ast.NodeTransformer):
    SWAPPED = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
    OPPOSITE = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
        ast.Is: ast.IsNot, ast.IsNot: ast.Is}  # fmt: skip

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Expr:
        return self.visit_ListComp(ast.ListComp(node.elt, node.generators))

    def visit_ListComp(self, node: ast.ListComp) -> Expr:
        self.generic_visit(node)
        first, *more = node.generators
        first.ifs = [part for test in first.ifs for part in _conjuncts(test)]
        inner = first.iter
        alone = isinstance(first.target, ast.Name) and isinstance(inner, ast.ListComp)
        if not alone or len(inner.generators) != 1:
            return node
        # [f(y) for y in [g(x) for x in xs] if p(y)] is [f(g(x)) for x in xs if p(g(x))].
        (below,) = inner.generators
        put = {first.target.id: inner.elt}
        tests = [*below.ifs, *(_put(test, put) for test in first.ifs)]
        for generator in more:
            generator.iter = _put(generator.iter, put)
            generator.ifs = [_put(test, put) for test in generator.ifs]
        fused = ast.comprehension(below.target, below.iter, tests, below.is_async)
        return ast.ListComp(_put(node.elt, put), [fused, *more])

    def visit_Call(self, node: ast.Call) -> Expr:
        self.generic_visit(node)
        alone = len(node.args) == 1 and not node.keywords and isinstance(node.func, ast.Name)
        if alone and isinstance(node.args[0], ast.ListComp):
            if node.func.id == "list":
                return node.args[0]
            if node.func.id == "set":
                return ast.SetComp(node.args[0].elt, node.args[0].generators)
        return node

    def visit_Compare(self, node: ast.Compare) -> Expr:
        self.generic_visit(node)
        if len(node.ops) == 1 and (swapped := self.SWAPPED.get(type(node.ops[0]))):
            return ast.Compare(node.comparators[0], [swapped()], [node.left])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Expr:
        self.generic_visit(node)
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            if opposite := self.OPPOSITE.get(type(inner.ops[0])):
                return ast.Compare(inner.left, [opposite()], inner.comparators)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            return ast.IfExp(node.test.operand, node.orelse, node.body)
        return node


def _conjuncts(test: Expr) -> list[Expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in _conjuncts(value)]
    return [test]


def _unwrapped(node: Expr) -> Expr:
    """Return an expression without `pytest.approx` around it."""
    if isinstance(node, ast.Call) and node.args:
        if ast.unparse(node.func).rsplit(".", 1)[-1] == "approx":
            return node.args[0]
    return node


def _is_literal(node: Expr) -> bool:
    """Whether an expression is a value as it stands, signs and containers included."""
    try:
        ast.literal_eval(_unwrapped(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
