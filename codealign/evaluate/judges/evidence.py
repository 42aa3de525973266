"""An answer taken apart for static analysis: code, explanation, syntax tree, ruff's violations."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from codealign.errors import CodealignError
from codealign.fences import Fenced, first_python

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Evidence:
    """What the static judge looks at.

    `code` is the first Python block (also one that the text's end cuts), or the whole text if that
    is Python; `explanation` is the text outside the fences. `fault` says why there is nothing to
    analyse ("" if there is): the answer is empty, has no code, or its code does not parse. `lint`
    counts violations by rule; `lint` below finds those of many answers at once.
    """

    instruction: str
    principle: str
    code: str
    explanation: str
    tree: ast.Module
    fault: str
    lint: dict[str, int] = field(default_factory=dict)

    @cached_property
    def functions(self) -> list[FunctionNode]:
        """All functions, methods and nested ones too, in source order."""
        functions = [n for n in ast.walk(self.tree) if isinstance(n, FunctionNode)]
        return sorted(functions, key=lambda n: n.lineno)

    @cached_property
    def main(self) -> FunctionNode | None:
        """The function the answer is about: the last one at the top level, None without any."""
        functions = [n for n in self.tree.body if isinstance(n, FunctionNode)]
        return functions[-1] if functions else None


def read(text: str, instruction: str = "", principle: str = "") -> Evidence:
    """Take an answer apart; whatever cannot be read is named in `fault`, nothing is raised."""
    answer = Fenced(text)
    fenced = first_python(answer.blocks)
    code = (fenced.code if fenced else text).removeprefix("\ufeff")  # a mark, no code
    explanation = answer.prose if fenced else ""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    fault = ""
    if not text.strip():
        fault = "the answer is empty"
    elif fenced is None and tree is None:
        fault, explanation = "the answer has no code", text.strip()
    elif not code.strip():
        fault = "the answer has no code"
    elif tree is None:
        fault = "the code does not parse as Python"
    return Evidence(instruction, principle, code, explanation, tree or ast.Module([], []), fault)


# Ruff over many pieces of code in one process.

RULES = (
    """
    B002 B003 B004 B005 B006 B007 B008 B009 B010 B011 B012 B013 B014 B015 B016 B017 B018 B019
    B020 B021 B022 B023 B024 B025 B026 B027 B028 B029 B030 B031 B032 B033 B034 B035 B039 B043
    B901 B903 B904 B905 B909 B911 B912 C400 C401 C402 C403 C404 C405 C406 C408 C409 C410 C411
    C413 C414 C415 C416 C417 C418 C419 C420 E101 E111 E112 E113 E114 E115 E116 E117 E201 E202
    E203 E204 E211 E221 E222 E223 E224 E225 E226 E227 E228 E231 E241 E242 E251 E252 E261 E262
    E265 E266 E271 E272 E273 E274 E275 E301 E302 E303 E304 E305 E306 E401 E402 E502 E701 E702
    E703 E711 E712 E713 E714 E721 E722 E731 E741 E742 E743 E902 F401 F402 F403 F404 F405 F406
    F407 F501 F502 F503 F504 F505 F506 F507 F508 F509 F521 F522 F523 F524 F525 F541 F601 F602
    F621 F622 F631 F632 F633 F634 F701 F702 F704 F706 F707 F722 F811 F821 F822 F823 F841 F842
    F901 N801 N802 N803 N804 N805 N806 N807 N811 N812 N813 N814 N815 N816 N817 N818 N999 PERF101
    PERF102 PERF203 PERF401 PERF402 PERF403 RET501 RET502 RET503 RET504 RET505 RET506 RET507
    RET508 SIM101 SIM102 SIM103 SIM105 SIM107 SIM108 SIM109 SIM110 SIM112 SIM113 SIM114 SIM115
    SIM116 SIM117 SIM118 SIM201 SIM202 SIM208 SIM210 SIM211 SIM212 SIM220 SIM221 SIM222 SIM223
    SIM300 SIM401 SIM905 SIM910 SIM911 W191 W291 W292 W293 W391 W505 W605
    """
).split()
"""The rules in force, of pycodestyle, Pyflakes, pep8-naming and five flake8 plugins: listed, so
that another version of ruff rates by the same. The length of lines (E501) has its own measure."""
OPTIONS = (
    "--isolated",
    "--preview",  # pycodestyle's blanks around operators and after commas
    "--no-cache",
    "--exit-zero",
    "--quiet",
    "--output-format=json",
    "--target-version=py311",
    "--ignore-noqa",  # an answer's own comments switch nothing off
    f"--select={','.join(RULES)}",
)


def lint(codes: Sequence[str]) -> list[Counter[str]]:
    """Return the violations of each piece of code, by rule.

    Raises
    ------
    CodealignError
        Ruff is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="codealign-lint-") as folder:
        for index, code in enumerate(codes):
            path = Path(folder) / f"answer_{index}.py"
            path.write_text(code.rstrip("\n") + "\n", encoding="utf-8", errors="replace")
        command = [sys.executable, "-m", "ruff", "check", *OPTIONS, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        raise CodealignError(
            f"static judge: ruff failed ({done.stderr.strip()[:300] or 'no output'}); "
            f"check that `{sys.executable} -m ruff --version` works"
        )
    violations = [Counter[str]() for _ in codes]
    for entry in json.loads(done.stdout):
        index = int(Path(entry["filename"]).stem.removeprefix("answer_"))
        violations[index][entry["code"] or "syntax-error"] += 1
    return violations
