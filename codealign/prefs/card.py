"""The data card of a preference data set: `card.json`, and `README.md` as the hub reads it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from codealign.params import Prefs
from codealign.prefs.checks import NOTICE_NONE, RESTATE
from codealign.prefs.executions import CUT
from codealign.prefs.steps import Recipe
from codealign.prefs.testing import LACKING, NO_CODE
from codealign.prompts import template_set
from codealign.provenance import file_hash
from codealign.records import Pair, write_text

SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K",
         1_000_000: "100K<n<1M"}  # fmt: skip
DATA = "pairs.jsonl"
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
        "table_2": {
            "model": recipe.model,
            "type": requirement,
            "samples": counts["pairs"]["kept"],
        },
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


def readme(card: dict[str, Any]) -> str:
    """Return the card as Markdown behind the YAML header that names the data file."""
    row = card["table_2"]
    kind = row["type"].replace("_", "-")
    size = next((s for limit, s in SIZES.items() if row["samples"] < limit), "1M<n<10M")
    head = {
        "pretty_name": f"{kind} code preferences of {row['model']}",
        "task_categories": ["text-generation"],
        "tags": ["code", "preference", "dpo", "trl", "codealign"],
        "size_categories": [size],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": DATA}]},
        ],
    }
    lengths = [(side, *mean.values()) for side, mean in card["characters"].items()]
    parts = [
        "---\n" + yaml.safe_dump(head, sort_keys=False) + "---",
        f"# {kind.capitalize()} code preferences of {row['model']}",
        INTRODUCTION,
        "## Row of Table 2\n\n" + _table(("model", "type", "samples"), [tuple(row.values())]),
        "## Counts\n\n" + _table(("step", "kept", "not kept, or what it holds"), _steps(card)),
        "## Responses on no side of a pair\n\n"
        + _table(("why", "responses", "share"), _lost(card)),
        "## Characters of a pair, mean\n\n"
        + _table(("side", "with its tests", "without"), lengths),
        "## Where it comes from\n\n" + _table(("what", "value"), _facts(card)),
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
Each row has a `prompt` (the bare task), a `chosen` and a `rejected` response, in TRL's preference
format; the other columns name the records they come from. Load it with
`datasets.load_dataset(folder, split="train")`. The model itself wrote the responses and their
tests, which were executed in a sandbox (SelfCodeAlign's pipeline, changed to keep what fails).\
"""


def _steps(card: dict[str, Any]) -> list[tuple[str, int, str]]:
    rows = []
    for step, counts in card["counts"].items():
        rest = [f"{n} {name}" for name, n in counts.items() if n and name != "kept"]
        rows.append((step, counts["kept"], ", ".join(rest)))
    return rows


def _lost(card: dict[str, Any]) -> list[tuple[str, int, str]]:
    of = max(1, card["counts"]["responses"]["kept"])
    rows = [(why, n, f"{n / of:.1%}") for why, n in card["lost"].items()]
    total = sum(card["lost"].values())
    return [*rows, ("all of these", total, f"{total / of:.1%}")]


def _facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    rate, noise = card["pass_rate"], card["label_noise"]
    facts = {
        "responses that passed, of those executed": "none" if rate is None else f"{rate:.1%}",
        **{f"pairs for {name}": str(n) for name, n in card["dimensions"].items()},
        "sandbox level": ", ".join(card["sandbox_level"]) or "nothing was executed",
        "corpus": str(card["corpus"].get("name", "not told")),
        "benchmarks whose problems seeds were checked against": ", ".join(
            card["corpus"].get("benchmarks", ())
        )
        or "none",
        "pair rule": card["settings"]["pairs"]["rule"],
        "chosen responses that hidden tests refuse": (
            "no hidden tests" if noise is None else f"{noise:.1%}"
        ),
        "own tests in the text": card["settings"]["pairs"]["tests"],
        **{
            f"cost of {what}": f"{spent['executions']} executions, {spent['cpu_s']} CPU seconds"
            for what, spent in card["cost"].items()
        },
        "seed": str(card["seed"]),
        **{f"hash of template {name}": h for name, h in card["templates"].items()},
        **{f"hash of {name}": h for name, h in card["files"].items()},
    }
    return list(facts.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)
