"""What a line of the ledger is: a statement of the paper, the number found for it, the verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from codealign.analysis.effects import CANNOT_TELL, NOT_DISTINGUISHABLE, Effect
from codealign.errors import CodealignError, nearest
from codealign.paths import DATA

REPRODUCED = "reproduced"
UNSTATED = "reproduced under an unstated rule"
CONTRADICTS = "contradicts the tables"
NOT_DERIVABLE = "not derivable"
# Not distinguishable: an order or a share whose opposite the scores do not rule out (p >= 0.05),
# whichever way it points: the same standard for and against the paper, and for a run.
PAPER_VERDICTS = (REPRODUCED, UNSTATED, NOT_DISTINGUISHABLE, CONTRADICTS, NOT_DERIVABLE)

AGREES = "agrees"
DISAGREES = "disagrees"
NOT_RUN = "not run"
RUN_VERDICTS = (AGREES, DISAGREES, NOT_DISTINGUISHABLE, CANNOT_TELL, NOT_RUN)

KINDS = ("score", "change", "search", "ratio", "fact")
"""How a statement is recomputed: the functions of these names in `book`."""
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FOLDER = DATA / "claims"
FIELDS = ("id", "place", "says", "published", "decimals", "unit", "kind", "unstated", "reading")

OURS = "own line"
"""Place of the lines that the paper does not have: noise, consistency of its tables."""


@dataclass(frozen=True)
class Search:
    """How the rule of a statement was looked for.

    Attributes
    ----------
    grid : what was varied, in words.
    tried : candidate rules that give a number.
    matching : how many of them give the published value within its rounding.
    matches : the first few of those, in words with their value.
    nearest : the rule whose value comes closest, in words with its value.
    reach : share of the printable numbers within 50 % of the published one that some rule of this
        grid gives: near 1, the grid would have matched almost anything, and a match means little.
    of : "rules" (for a number), or "readings" (of a pattern; `matching` bear it out, `nearest` is
        the plain reading, `reach` and `typical` are not used).
    typical : how many rules give such a number, on average over those that any gives.
    """

    grid: str
    tried: int
    matching: int
    matches: list[str]
    nearest: str
    reach: float = 0.0
    typical: float = 0.0
    of: str = "rules"


@dataclass(frozen=True)
class Judgement:
    """What a rule gives.

    Attributes
    ----------
    values : one number for each published one; empty where the rule cannot be applied.
    rule : the rule in words.
    verdict : one of `PAPER_VERDICTS` (or "" to compare `values` with the published ones).
    note : what a reader should know beside the verdict.
    effect : of a run's first value, in `unit`, for the run's verdict; None where it is none.
    unit : of a run's values, where it is not the statement's.
    agrees : for an order or a kind of statement that is true or false; None otherwise.
    missing : what the run lacks to compute this; "" where it was computed.
    """

    values: list[float] = field(default_factory=list)
    rule: str = ""
    verdict: str = ""
    note: str = ""
    search: Search | None = None
    effect: Effect | None = None
    unit: str = ""
    agrees: bool | None = None
    missing: str = ""


@dataclass(frozen=True)
class Statement:
    """One quantitative statement, as data: see `codealign/data/claims/README.md`.

    Attributes
    ----------
    published : the printed numbers, [] for a statement without one.
    decimals : digits after the point in print, one for each published number.
    kind, args : the function that recomputes it (`KINDS`) and its arguments.
    unstated : what the paper leaves open in the rule used; "" where the text fixes it.
    reading : our own reading of a statement that the ledger also has in its usual one.
    """

    id: str
    place: str
    statement: str
    kind: str
    args: dict[str, Any]
    published: list[float]
    decimals: tuple[int, ...] = ()
    unit: str = ""
    unstated: str = ""
    reading: bool = False


@cache
def statements() -> tuple[Statement, ...]:
    """Return all statements, in the order of the paper; own lines come last.

    Raises
    ------
    CodealignError
        An id repeats, or an entry lacks a field or names an unknown kind.
    """
    known = [s for path in sorted(FOLDER.glob("*.yaml")) for s in read_statements(path)]
    ids = [s.id for s in known]
    for name in ids:
        if ids.count(name) > 1:
            raise CodealignError(f"{FOLDER}: the id {name!r} stands twice; rename one")
    return tuple(known)


def read_statements(path: Path) -> list[Statement]:
    """Read one file of statements (a list; `data/claims/README.md` has the fields)."""
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=FAST)
    return [_statement(entry, f"{path.name}, entry {i}") for i, entry in enumerate(entries, 1)]


def _statement(entry: dict[str, Any], where: str) -> Statement:
    for name in ("id", "place", "says", "kind"):
        if name not in entry:
            raise CodealignError(f"{where}: no {name!r}")
    if entry["kind"] not in KINDS:
        raise CodealignError(f"{where}: kind {entry['kind']!r}" + nearest(entry["kind"], KINDS))
    published, decimals = (
        value if isinstance(value, list) else [value]
        for value in (entry.get("published", []), entry.get("decimals", 0))
    )
    return Statement(
        id=entry["id"],
        place=str(entry["place"]),
        statement=entry["says"],
        kind=entry["kind"],
        args={k: v for k, v in entry.items() if k not in FIELDS},
        published=[float(p) for p in published],
        decimals=tuple(decimals if len(decimals) > 1 else decimals * len(published)),
        unit=entry.get("unit", ""),
        unstated=entry.get("unstated", ""),
        reading=entry.get("reading", False),
    )


@dataclass(frozen=True)
class Claim:
    """A line of the ledger; `computed` is from the paper's tables or from the run's scores.

    `origin` is "paper", "reading" (our reading of a statement), or "own" (not in the paper);
    `tolerance` is half a unit of the last printed digit, for each published number;
    `computed_unit` is the unit of a run's number, which may be another one than the print's.
    """

    id: str
    place: str
    statement: str
    published: list[float]
    computed: list[float]
    unit: str
    tolerance: list[float]
    rule: str
    verdict: str
    origin: str = "paper"
    note: str = ""
    search: Search | None = None
    computed_unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the claim as plain JSON types."""
        return asdict(self)
