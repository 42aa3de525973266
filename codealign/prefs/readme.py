"""The data card as text: `README.md` of a preference data set, as the hub reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from codealign.markdown import pipe_table

SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K",
         1_000_000: "100K<n<1M"}  # fmt: skip
DATA = "pairs.jsonl"


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
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": DATA}]}],
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
    return pipe_table(head, rows, [" --- "] * len(head))
