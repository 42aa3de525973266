"""Constraints that an instruction puts on how code is written, checked on its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from codealign.evaluate.judges.evidence import Evidence
from codealign.evaluate.judges.measures import documented, hinted

COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _has(kind: type | object) -> Callable[[Evidence], bool]:
    return lambda e: any(isinstance(n, kind) for n in ast.walk(e.tree))


def _lacks(kind: type | object) -> Callable[[Evidence], bool]:
    return lambda e: not _has(kind)(e)


def body(evidence: Evidence) -> list[ast.stmt]:
    """Return the statements of the main function, without its docstring; [] without one."""
    if evidence.main is None:
        return []
    skip = ast.get_docstring(evidence.main) is not None
    return evidence.main.body[1:] if skip else evidence.main.body


def single_return(evidence: Evidence) -> bool:
    """The main function is one return statement with a value."""
    found = body(evidence)
    return len(found) == 1 and isinstance(found[0], ast.Return) and found[0].value is not None


def named_steps(evidence: Evidence) -> bool:
    """The main function names a computed value, has no loop and no comprehension in another."""
    found = body(evidence)
    computed = ast.Call | ast.BinOp | ast.Compare | ast.Subscript | COMPREHENSIONS
    named = any(
        isinstance(s, ast.Assign | ast.AnnAssign) and isinstance(s.value, computed) for s in found
    )
    inside = [[n for n in ast.walk(s) if isinstance(n, COMPREHENSIONS)] for s in found]
    loops = any(isinstance(s, ast.For | ast.While) for s in found)
    return named and not loops and all(len(nodes) <= 1 for nodes in inside)


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
    """Return the check of each constraint that is found in a text."""
    return [check for pattern, check in CHECKS if re.search(pattern, text, re.IGNORECASE)]


def followed(evidence: Evidence, reference: Evidence) -> float | None:
    """Share of the task's recognised constraints that hold; None if none is recognised."""
    found = checks(f"{evidence.instruction} {evidence.principle}")
    return sum(check(evidence) for check in found) / len(found) if found else None
