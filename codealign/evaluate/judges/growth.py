"""An estimate of the order of growth of a piece of code, from its syntax tree alone.

The order is the deepest nesting of loops, comprehensions and scans: 0 is constant, 1 linear, 2
quadratic. A scan is a call or an `in` that reads a whole sequence; it counts only inside a loop.
What is not seen: how often a loop really runs (halving, a fixed number of rounds), what a called
function does, recursion, and whether a parameter is a set.
"""

from __future__ import annotations

import ast

COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SCANS = frozenset("sum min max sorted list set tuple any all reversed".split())
SCAN_METHODS = frozenset("count index remove sort insert".split())
HASHED = frozenset("set frozenset dict Counter defaultdict OrderedDict".split())


def order(tree: ast.AST) -> int:
    """Return the estimated order of growth."""
    return _depth(tree, 0, hashed_names(tree))


def hashed_names(tree: ast.AST) -> set[str]:
    """Return the names that are assigned or annotated as a set or a dictionary."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_hashed(node.value):
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if _is_hashed(node.annotation) or (node.value and _is_hashed(node.value)):
                found.add(node.target.id)
        elif isinstance(node, ast.arg) and node.annotation and _is_hashed(node.annotation):
            found.add(node.arg)
    return found


def _is_hashed(node: ast.expr) -> bool:
    """Tell whether a value or an annotation is a set or a dictionary."""
    if isinstance(node, ast.Call):
        return _is_hashed(node.func)
    if isinstance(node, ast.Subscript):  # set[int]
        return _is_hashed(node.value)
    if isinstance(node, ast.Name):
        return node.id in HASHED
    return isinstance(node, ast.Set | ast.Dict | ast.SetComp | ast.DictComp)


def _depth(tree: ast.AST, inside: int, hashed: set[str]) -> int:
    """Return the deepest nesting; without recursion, as a chain of `+` is a deep tree."""
    deepest, todo = inside, [(tree, inside)]
    while todo:
        node, level = todo.pop()
        deepest = max(deepest, level)
        todo += _children(node, level, hashed)
    return deepest


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
    found: list[tuple[ast.AST, int]] = []
    for extra, generator in enumerate(node.generators):
        found.append((generator.iter, inside + extra))
        found += [(condition, inside + extra + 1) for condition in generator.ifs]
    parts = [p for p in ast.iter_child_nodes(node) if not isinstance(p, ast.comprehension)]
    return found + [(part, inside + len(node.generators)) for part in parts]


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
