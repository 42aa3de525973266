"""The one reader of Markdown answers: fenced blocks, headings, and the prose around them.

Lines are read one after the other, as CommonMark reads them: a fence is at least three backticks or
tildes; it ends at a line of the same sign, at least as many, and nothing behind them; inside it no
line opens a block and no line is a heading. More lenient than CommonMark in one point: a fence may
be indented by more than three columns, as under a list item.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_HEADING = re.compile(r" {0,3}(?P<level>#{1,6})(?:[ \t]+|(?=\w))(?P<title>.*?)[ \t]*#*[ \t]*")
_BOLD = re.compile(r" {0,3}(?P<marks>\*\*|__)(?P<title>.+?)(?P=marks):?[ \t]*")
_LANGUAGE = re.compile(r"[{\s]*\.?([\w+#-]*)")
_PYTHON = re.compile(r"(?:python|py)[\d.]*")
_BELOW_ALL = 7  # level of a line in bold, which closes no section of a real heading


@dataclass(frozen=True)
class Block:
    """A fenced block.

    `language` is the first word behind the fence in lower case, without the attributes ("" if there
    is none); `first` and `last` are the 0-based lines of its fences. `closed` is False where the
    text ends before the fence does, as in an answer that was cut; `last` is the last line then.
    """

    language: str
    code: str
    first: int
    last: int
    closed: bool

    @property
    def is_python(self) -> bool:
        """Its label is python, python3, py and the like."""
        return bool(_PYTHON.fullmatch(self.language))


@dataclass(frozen=True)
class Heading:
    """A heading outside the fences: `# title`, or a line of its own in bold (level 7)."""

    title: str
    level: int
    line: int


class Fenced:
    """A text in Markdown, taken apart; line ends of any system are read as newlines."""

    def __init__(self, text: str) -> None:
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        blocks: list[Block] = []
        opened: re.Match[str] | None = None
        first = 0
        for number, line in enumerate(self.lines):
            if opened is None:
                opened, first = _opens(line), number
            elif _closes(line, opened):
                blocks.append(self._block(opened, first, number, closed=True))
                opened = None
        if opened is not None:
            blocks.append(self._block(opened, first, len(self.lines) - 1, closed=False))
        return blocks

    def _block(self, opened: re.Match[str], first: int, last: int, closed: bool) -> Block:
        depth = len(opened["indent"])
        inside = self.lines[first + 1 : last if closed else last + 1]
        code = "".join(_outdented(line, depth) + "\n" for line in inside)
        language = _LANGUAGE.match(opened["info"])[1].lower()
        return Block(language, code if closed else code.removesuffix("\n"), first, last, closed)

    @cached_property
    def fenced(self) -> set[int]:
        """The numbers of the lines that fences and their contents take."""
        return {n for b in self.blocks for n in range(b.first, b.last + 1)}

    @cached_property
    def headings(self) -> list[Heading]:
        """The headings outside the fences, in order."""
        headings = []
        for number, line in enumerate(self.lines):
            if number in self.fenced:
                continue
            if match := _HEADING.fullmatch(line):
                headings.append(Heading(match["title"], len(match["level"]), number))
            elif match := _BOLD.fullmatch(line):
                headings.append(Heading(match["title"], _BELOW_ALL, number))
        return headings

    def section(self, heading: Heading) -> range:
        """Return the lines from a heading to the next one that is not below it, or to the end."""
        ends = (h.line for h in self.headings if h.line > heading.line and h.level <= heading.level)
        return range(heading.line, next(ends, len(self.lines)))

    @property
    def prose(self) -> str:
        """The text outside the fences, stripped; an empty line stands for each block."""
        ends = {b.last for b in self.blocks}
        kept = ["" if n in ends else line for n, line in enumerate(self.lines)]
        inside = self.fenced - ends
        return "\n".join(line for n, line in enumerate(kept) if n not in inside).strip()

    def without(self, lines: Iterable[int]) -> str:
        """Return the text without the lines of these numbers."""
        left_out = set(lines)
        return "\n".join(line for n, line in enumerate(self.lines) if n not in left_out)


def first_python(blocks: Iterable[Block]) -> Block | None:
    """Return the first block that is Python, closed or not; None if there is none.

    That is the first one labelled so. Only where no block is, one without a label is taken if it
    parses: the first that defines, imports or assigns something, else the first. (An unlabelled
    block beside labelled ones is most often an output.)
    """
    blocks = list(blocks)
    if labelled := next((b for b in blocks if b.is_python), None):
        return labelled
    bare = [(b, tree) for b in blocks if not b.language and (tree := _tree(b.code)) is not None]
    bare = [(b, tree) for b, tree in bare if tree.body]
    programs = [b for b, tree in bare if not all(isinstance(n, ast.Expr) for n in tree.body)]
    return next(iter(programs or [b for b, _ in bare]), None)


def _opens(line: str) -> re.Match[str] | None:
    match = _FENCE.fullmatch(line)
    if match and match["marks"][0] == "`" and "`" in match["info"]:
        return None  # code in a line of text
    return match


def _closes(line: str, opened: re.Match[str]) -> bool:
    match = _FENCE.fullmatch(line)
    return bool(
        match
        and match["marks"].startswith(opened["marks"])
        and not match["info"].strip()
        and len(match["indent"]) <= len(opened["indent"]) + 3
    )


def _outdented(line: str, depth: int) -> str:
    return line[min(depth, len(line) - len(line.lstrip(" \t"))) :]


def _tree(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
