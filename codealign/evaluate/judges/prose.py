"""Measures of an answer's explanation, each from 0 (worst) to 1 (best)."""

from __future__ import annotations

import ast
import re

from codealign.evaluate.judges.evidence import Evidence

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
    found = sentences(evidence.explanation)
    return sum(len(s.split()) <= 25 for s in found) / len(found) if found else 0.0


def commented(evidence: Evidence, reference: Evidence) -> float:
    """Docstring or comment lines against one in every five lines of code, full from there on."""
    lines = [line.strip() for line in evidence.code.splitlines() if line.strip()]
    notes = sum(line.startswith(("#", '"""', "'''")) for line in lines)
    return min(5 * notes / len(lines), 1.0) if lines else 0.0
