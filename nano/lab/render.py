"""Tasks as Python code, in several styles.

Good ones are named steps, one expression and an explicit loop; poor ones are terse and clumsy (a
loop over indexes for every step). All compute the same; so does code with a guard, for arguments of
the right type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nano.lab.tasks import Step, Task
from nano.lab.vocabulary import ELEMENT, HINTS

STYLES = ("steps", "one_line", "loop", "terse", "clumsy")
IMPORTS = {
    "accumulate(": "from itertools import accumulate",
    "Counter(": "from collections import Counter",
    "prod(": "from math import prod",
}
_PRIME_HEAD = "def is_prime(m: int) -> bool:\n"
PRIME_FAST = _PRIME_HEAD + (
    "    if m < 2:\n        return False\n    for i in range(2, int(m ** 0.5) + 1):\n"
    "        if m % i == 0:\n            return False\n    return True\n"
)
PRIME_SLOW = _PRIME_HEAD + "    return m > 1 and all(m % i != 0 for i in range(2, m))\n"
# reductions a loop can do: accumulator, its start, its update
LOOPS = {
    "sum": ("total", "0", "total += {x}"),
    "product": ("result", "1", "result *= {x}"),
    "count": ("count", "0", "count += 1"),
    "total_length": ("total", "0", "total += len({x})"),
}
_OPERATOR = re.compile(r" (\*\*|//|[=!<>]=|[-+*%<>=]|[-+*]=) (?=[\w(\[\"-])")


def element_code(step: Step, x: str, helpers: Mapping[str, str]) -> str:
    """Return the expression of a filter or map for one element named `x`."""
    if step.op.id in helpers:
        return f"{helpers[step.op.id]}({x})"
    return step.op.code.format(x=x, k=step.k)


def step_expression(
    step: Step,
    before: str,
    value: str,
    slow: bool = False,
    helpers: Mapping[str, str] | None = None,
) -> str:
    """Return the expression that applies a step to `value`, an expression of type `before`."""
    x, helpers = ELEMENT.get(before, "x"), helpers or {}
    if step.op.kind == "filter":
        inner = f"{x} for {x} in {value} if {element_code(step, x, helpers)}"
        return f'"".join({inner})' if before == "S" else f"[{inner}]"
    if step.op.kind == "map":
        return f"[{element_code(step, x, helpers)} for {x} in {value}]"
    condition = ""
    if step.condition:
        condition = element_code(step.condition, "x", {})
    template = step.op.slow if slow and step.op.slow else step.op.code
    return template.format(v=value, k=step.k, cond=condition)


def _variable(step: Step, taken: set[str]) -> str:
    plain = {"filter": "selected", "map": "mapped"}.get(step.op.kind, "result")
    name = step.op.var or plain
    while name in taken:
        name += "2"
    return name


def steps_body(
    task: Task, slow: bool = False, helpers: Mapping[str, str] | None = None, short: bool = False
) -> list[str]:
    """Return the lines of a body with one variable per step; `short` names them by one letter."""
    lines, value = [], task.arg
    taken = {name for name, _ in task.params}
    letters = iter("abefghjopqru")
    source = task.source.code.format(a=task.arg)
    if source != task.arg:
        value = next(letters) if short else task.source.var
        value = value + "2" if value in taken else value
        lines.append(f"{value} = {source}")
    for index, step in enumerate(task.steps):
        taken.add(value)
        expression = step_expression(step, task.types[index], value, slow, helpers)
        if index == len(task.steps) - 1:
            lines.append(f"return {expression}")
        else:
            value = next(letters) if short else _variable(step, taken)
            lines.append(f"{value} = {expression}")
    return lines


def one_expression(task: Task, helpers: Mapping[str, str] | None = None) -> str | None:
    """Return the whole task as one expression, or None where a value would be computed twice."""
    value = task.source.code.format(a=task.arg)
    steps, index = task.steps, 0
    while index < len(steps):
        step, x = steps[index], ELEMENT[task.types[index]]
        if step.op.code.count("{v}") > 1 and not value.isidentifier():
            return None
        following = steps[index + 1] if index + 1 < len(steps) else None
        if step.op.kind == "filter" and following and following.op.kind == "map":
            mapped = element_code(following, x, helpers or {})
            value = f"[{mapped} for {x} in {value} if {element_code(step, x, helpers or {})}]"
            index += 1
        else:
            value = step_expression(step, task.types[index], value, False, helpers)
        if step.op.id == "text_repeat" and following:
            value = f"({value})"
        index += 1
    return value


def _loop_lines(task: Task, core: tuple[Step, ...], x: str, update: str) -> list[str]:
    source = task.source.code.format(a=task.arg)
    if source.startswith("list("):
        source = source[5:-1]
    lines, depth, value = [f"for {x} in {source}:"], 1, x
    for step in core:
        if step.op.kind == "map":
            value = element_code(step, value if value.isidentifier() else f"({value})", {})
            continue
        if not value.isidentifier():
            lines.append("    " * depth + f"y = {value}")
            value = "y"
        lines.append("    " * depth + f"if {element_code(step, value, {})}:")
        depth += 1
    return [*lines, "    " * depth + update.format(x=value)]


def loop_body(task: Task) -> list[str] | None:
    """Return the lines of an explicit loop, or None where the chain is not filters and maps."""
    last = task.steps[-1]
    reduces = last.op.kind == "reduce"
    core = task.steps[:-1] if reduces else task.steps
    if any(s.op.kind not in ("filter", "map") for s in core):
        return None
    if reduces and last.op.id not in LOOPS:
        return None
    kind = task.types[len(core)]
    if reduces:
        variable, start, update = LOOPS[last.op.id]
    elif kind == "S":
        variable, start, update = "result", '""', "result += {x}"
    else:
        variable, start, update = "result", "[]", "result.append({x})"
    lines = _loop_lines(task, core, ELEMENT[task.source.gives], update)
    return [f"{variable} = {start}", *lines, f"return {variable}"]


def _index_loop(step: Step, before: str, value: str, result: str) -> list[str]:
    """Return the lines that build `result` from a filter or map of `value`, index by index."""
    item = f"{value}[i]"
    text = before == "S"
    kept = element_code(step, item, {}) if step.op.kind == "map" else item
    add = f"{result} += {kept}" if text else f"{result}.append({kept})"
    lines = [f'{result} = ""' if text else f"{result} = []", f"for i in range(len({value})):"]
    if step.op.kind == "map":
        return [*lines, f"    {add}"]
    return [*lines, f"    if {element_code(step, item, {})}:", f"        {add}"]


def clumsy_body(task: Task) -> list[str]:
    """Return a body with short names and a loop over indexes for each filter and map."""
    taken = {name for name, _ in task.params}
    names = (letter for letter in "abefghjopqru" if letter not in taken)
    lines, value = [], task.arg
    source = task.source.code.format(a=task.arg)
    if source != task.arg:
        value = next(names)
        lines.append(f"{value} = {source}")
    for step, before in zip(task.steps, task.types, strict=False):
        result = next(names)
        if step.op.kind in ("filter", "map"):
            lines += _index_loop(step, before, value, result)
        else:
            lines.append(f"{result} = {step_expression(step, before, value)}")
        value = result
    return [*lines, f"return {value}"]


def guard(task: Task) -> list[str]:
    """Return the lines that refuse an argument of another type."""
    kind = task.source.hint.split("[")[0]
    return [
        f"if not isinstance({task.arg}, {kind}):",
        f'    raise TypeError("{task.arg} must be of type {kind}")',
    ]


def body(
    task: Task, style: str, slow: bool = False, helpers: Mapping[str, str] | None = None
) -> list[str]:
    """Return the body's lines in a style; named steps where the style does not fit the task."""
    if style == "loop" and (lines := loop_body(task)):
        return lines
    if style == "clumsy" and not slow and not helpers:
        return clumsy_body(task)
    if style in ("one_line", "terse") and not slow and (line := one_expression(task, helpers)):
        return [f"return {line}"]
    return steps_body(task, slow, helpers, short=style == "terse")


def squeeze(code: str) -> str:
    """Take the spaces around operators and after commas out of a line of code."""
    return re.sub(r", (?=[\w\[(\"])", ",", _OPERATOR.sub(r"\1", code))


def signature(task: Task, name: str, hints: bool = True) -> str:
    """Return the `def` line."""
    params = ", ".join(f"{p}: {h}" if hints else p for p, h in task.params)
    return f"def {name}({params})" + (f" -> {HINTS[task.types[-1]]}:" if hints else ":")


def preamble(code: str, slow: bool = False) -> str:
    """Return the imports and the prime helper that `code` needs, ready to stand before it."""
    imports = [line for mark, line in IMPORTS.items() if re.search(rf"\b{re.escape(mark)}", code)]
    text = "\n".join(imports) + "\n\n" if imports else ""
    if "is_prime(" in code:
        text += (PRIME_SLOW if slow else PRIME_FAST) + "\n"
    return text


def indent(lines: list[str]) -> str:
    """Return lines as an indented block."""
    return "".join(f"    {line}\n" for line in lines)


def docstring(text: str) -> str:
    """Return an indented docstring block; a text of several lines closes on its own line."""
    return f'    """{text}"""\n' if "\n" not in text else f'    """{text}\n    """\n'


def function(
    task: Task,
    style: str,
    name: str = "",
    doc: str = "",
    hints: bool = True,
    slow: bool = False,
    helpers: Mapping[str, str] | None = None,
    guarded: bool = False,
) -> str:
    """Return a module with one function that solves the task.

    Parameters
    ----------
    style : one of STYLES; terse and clumsy leave out hints, terse also spaces around operators.
    name : the function's name; the task's own where empty.
    doc : docstring, none where empty.
    hints : whether to write type hints (never in a poor style).
    slow : use the algorithm of worse complexity where the operations have one.
    helpers : operation id -> name of a helper function to call for it.
    guarded : whether to refuse an argument of the wrong type (TypeError).
    """
    lines = (guard(task) if guarded else []) + body(task, style, slow, helpers)
    head = signature(task, name or task.name, hints and style not in ("terse", "clumsy"))
    if style == "terse":
        head, lines = squeeze(head), [squeeze(line) for line in lines]
    block = indent(lines)
    return preamble(block, slow) + head + "\n" + (docstring(doc) if doc else "") + block


def helper_function(step: Step, before: str, name: str) -> str:
    """Return a documented helper for one filter or map step without a constant."""
    x = ELEMENT[before]
    element = {"L": "int", "W": "str", "S": "str"}[before]
    result = "bool" if step.op.kind == "filter" else element
    code = element_code(step, x, {})
    what = f"whether {x} is one of the {step.op.concept}" if result == "bool" else step.op.concept
    text = f"Helper: {what}."
    return f'def {name}({x}: {element}) -> {result}:\n    """{text}"""\n    return {code}\n'
