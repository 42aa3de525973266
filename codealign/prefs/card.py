"""The data card of a preference data set, `card.json`; in words it is `readme.readme`."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codealign.params import Prefs
from codealign.prefs.checks import NOTICE_NONE, RESTATE
from codealign.prefs.readme import readme
from codealign.prefs.responses import CUT
from codealign.prefs.steps import Recipe
from codealign.prefs.testing import LACKING, NO_CODE
from codealign.prompts import template_set
from codealign.provenance import file_hash
from codealign.records import Pair, write_text

TAKEN_OVER = ("concepts", "instructions", "responses", "executions", "checks", "hidden", "trials")
NO_SIDE = {
    "untested": "tests of which nothing was run",
    "unsupported": "tests that need what the sandbox lacks",
    "suspect": "suspicion of the sandbox",
    "no_proof": "left before the end of the tests",
    "sandbox_error": "fault of the sandbox",
}
"""Verdicts that show neither that a response is right nor that it is wrong."""


@dataclass(frozen=True)
class Summary:
    """What a run of the pipeline made.

    `counts` holds, for each step, what was kept and what was not, by reason; `lines` the closing
    line of each step; `card` is what `card.json` says.
    """

    counts: dict[str, dict[str, int]]
    lines: list[str]
    card: dict[str, Any]

    @property
    def pairs(self) -> int:
        """The number of pairs."""
        return self.counts["pairs"]["kept"]


def make_card(
    recipe: Recipe,
    settings: Prefs,
    requirement: str,
    pairs: Iterable[Pair],
    counts: dict[str, dict[str, int]],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Return the data card: counts at each step, the row of Table 2, and what decided the data.

    `about` is put into it as it is: corpus, sandbox levels, shares.
    """
    executed = counts["executions"]
    dimensions = Counter(p.dimension or requirement for p in pairs)
    return {
        "table_2": {"model": recipe.model, "type": requirement, "samples": counts["pairs"]["kept"]},
        "lost": losses(counts, settings),
        "pass_rate": executed.get("pass", 0) / executed["kept"] if executed["kept"] else None,
        "dimensions": dict(sorted(dimensions.items())),
        "counts": counts,
        **about,
        "seed": recipe.seed,
        "settings": settings.model_dump(),
        "templates": template_set(recipe.templates).hashes(),
    }


def losses(counts: dict[str, dict[str, int]], settings: Prefs) -> dict[str, int]:
    """Return how many responses can stand on no side of a pair, by reason.

    The rule `agreement` goes by the tests of others: code without tests of its own may stand in its
    pairs, unless the text keeps the tests.
    """
    agreeing, keeping = settings.pairs.rule == "agreement", settings.pairs.tests == "keep"
    lacking = (NO_CODE,) if agreeing and not keeping else LACKING
    lost = {reason: counts["responses"].get(reason, 0) for reason in (CUT, *lacking)}
    if agreeing:
        return lost
    for verdict, why in NO_SIDE.items():
        lost[why] = counts["executions"].get(verdict, 0)
    for reason in (RESTATE, NOTICE_NONE):
        lost[reason] = counts.get("checks", {}).get(reason, 0)
    return lost


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write `card.json`, with the hash of every record file, and `README.md`."""
    files = sorted(p for p in folder.glob("*.jsonl"))
    card["files"] = {p.name: file_hash(p) for p in files}
    write_text(folder / "card.json", json.dumps(card, indent=1) + "\n")
    write_text(folder / "README.md", readme(card))


def take_over(earlier: Path | str | None, folder: Path, settings: Prefs) -> None:
    """Copy the records of finished data that differ in the making of pairs alone, if any.

    A step reads what lies there as if it had been stopped: a record made from something else is not
    used, and what is there already is not replaced.
    """
    path = Path(earlier or folder) / "card.json"
    if not (earlier and path.exists()):
        return
    made_with = json.loads(path.read_text(encoding="utf-8"))["settings"]
    wanted = settings.model_dump()
    if all(made_with.get(key) == value for key, value in wanted.items() if key != "pairs"):
        for name in TAKEN_OVER:
            source, target = path.with_name(f"{name}.jsonl"), folder / f"{name}.jsonl"
            if source.exists() and not target.exists():
                shutil.copyfile(source, target)
