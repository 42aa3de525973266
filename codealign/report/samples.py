"""What the models wrote: the data of the sample browser, a file per benchmark.

A file is a script, not JSON, for a page that is opened from disk may load a script and no data. It
calls `samples(key, data)`; the page loads it when its benchmark is chosen.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.analysis import labels
from codealign.analysis.scores import benchmark, benchmarks
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.evaluate.functional import public
from codealign.evaluate.functional.registry import BENCHMARKS, load
from codealign.paths import RunPaths
from codealign.records import DIMENSIONS, PATHWAY, STAGES, VARIANTS, read_jsonl, write_text
from codealign.report.page import PageSection, render
from codealign.workflow.markers import PARAMS
from codealign.workflow.plan import read_parameters

FOLDER = "samples"
PLACES = [(variant, stage) for variant in VARIANTS for stage in STAGES]
LONGEST = 4000
"""Characters shown of a prompt, an answer or a failing test; what is longer is cut and says so."""


@dataclass
class SampleGroup:
    """One model's answers to one benchmark, as the page wants them.

    Attributes
    ----------
    texts : each different answer once. `prompts` : by problem.
    rows : by problem, for each of `PLACES` [text, value, kind, detail, samples], or None.
    """

    model: str
    benchmark: str
    scale: int = 1
    texts: dict[str, int] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[list[Any] | None]] = field(default_factory=dict)
    note: str = ""

    def add(self, id: str, place: int, text: str, *about: Any) -> None:
        """Note one answer: its value in the scale, kind of failure, detail, number of samples."""
        row = self.rows.setdefault(id, [None] * len(PLACES))
        row[place] = [self.texts.setdefault(_cut(text), len(self.texts)), *about]

    def script(self, key: str, places: Sequence[int]) -> str:
        """Return the file's text, with the answers at these of `PLACES`."""
        data = {
            "scale": self.scale, "note": self.note, "texts": list(self.texts),
            "rows": [[id, self.prompts.get(id, ""), *(row[at] for at in places)]
                     for id, row in self.rows.items()],
        }  # fmt: skip
        return f"samples({json.dumps(key)}, {json.dumps(data, ensure_ascii=False)});\n"


def samples_block(paths: RunPaths) -> PageSection:
    """Write the browser's data and return its section; it says so if nothing has been answered."""
    part = first_part(paths)
    shutil.rmtree(paths.report / FOLDER, ignore_errors=True)
    titles, groups = {}, _groups(paths, part)
    there = {PLACES[at][0] for group in groups for row in group.rows.values()
             for at, cell in enumerate(row) if cell}  # fmt: skip
    places = [at for at, (variant, _) in enumerate(PLACES) if variant in there]
    for group in groups:
        key = f"{group.model}-{group.benchmark}"
        titles[key] = f"{group.model}, {_label(group.benchmark)}"
        write_text(paths.report / FOLDER / f"{key}.js", group.script(key, places))
    seeds = len({p.seeded for p in paths.parts()} - {paths.root})
    seed = part.seeded.name if part.root != paths.root else ""
    columns = [[PATHWAY[PLACES[at][0]], labels.STAGES[PLACES[at][1]]] for at in places]
    pathways = [PATHWAY[variant] for variant in VARIANTS if variant in there]
    body = render(
        "samples", groups=titles, columns=columns, pathways=pathways, seed=seed, seeds=seeds
    )
    return PageSection("samples", "What the models wrote, before and after", body)


def first_part(paths: RunPaths) -> RunPaths:
    """Return the part whose answers are shown: the first seed's main one."""
    seeded = [part for part in paths.parts() if part.root != paths.root and not part.ablation]
    return (seeded or [paths])[0]


def _groups(paths: RunPaths, part: RunPaths) -> list[SampleGroup]:
    """Return the answers of a part's models, the base models being the whole run's."""
    roots = list(dict.fromkeys([paths.root, part.root]))
    source = _source(paths)
    models = sorted({f.name for root in roots for f in root.glob("evals/*") if f.is_dir()})
    groups: list[SampleGroup] = []
    for model in models:
        own: dict[str, SampleGroup] = {}
        for place, (variant, stage) in enumerate(PLACES):
            for root in roots:
                cell = Cell(model, variant, "functional", stage)
                whole = RunPaths(root).evals(cell)
                for file in sorted(whole.glob("*/attempts.jsonl")):
                    group = own.setdefault(file.parent.name, SampleGroup(model, file.parent.name))
                    _add_attempts(group, place, file)
                rated = RunPaths(root).evals(cell.at(requirement="non_functional", trained=""))
                _add_ratings(own, model, place, rated / "codal")
        for group in own.values():
            if group.scale == 1:
                _add_prompts(group, source)
        known = list(benchmarks())  # in the paper's order; one's own come last
        groups += sorted(own.values(), key=lambda g: (*known, g.benchmark).index(g.benchmark))
    return groups


def _add_attempts(group: SampleGroup, place: int, file: Path) -> None:
    """Add a benchmark's solutions; of several samples the first is shown, the share counts all."""
    by_problem: dict[str, list[dict[str, Any]]] = {}
    for attempt in read_jsonl(file, dict):
        by_problem.setdefault(attempt["task_id"], []).append(attempt)
    written = {r["id"]: r["completion"] for r in _rows(file.parent / "completions.jsonl")}
    for id, attempts in by_problem.items():
        first, n = attempts[0], len(attempts)
        passed = sum(a["kind"] == "" for a in attempts) / n
        lost = first["kind"] in ("no_answer", "extraction")  # then what was written says why
        text = written.get(f"{id}#0") if lost else first["solution"]
        failing = first["base_fail_tests"] or first["plus_fail_tests"]
        detail = [_call(failing[0]) if failing else "", _cut(first["detail"])]
        group.add(id, place, text or first["solution"], passed, first["kind"], detail, n)


def _call(arguments: Any) -> str:
    """Return the arguments of a failing test as they stand in a call."""
    each = arguments if isinstance(arguments, list) else [arguments]
    return _cut("(" + ", ".join(repr(a) for a in each) + ")")


def _add_ratings(groups: dict[str, SampleGroup], model: str, place: int, folder: Path) -> None:
    """Add the answers and ratings of CODAL's dimensions, a group for each."""
    ratings = {r["id"]: r for r in _rows(folder / "ratings.jsonl")}
    for answer in _rows(folder / "answers.jsonl"):
        name = f"codal_{answer['dimension']}"
        group = groups.setdefault(name, SampleGroup(model, name, scale=10))
        group.prompts[answer["id"]] = _cut(f"{answer['instruction']}\n\n{answer['principle']}")
        rated = ratings.get(answer["id"], {})
        value = rated.get("rating")
        parts = ", ".join(f"{k} {v:g}" for k, v in (rated.get("parts") or {}).items())
        kind = "" if value is not None else "not rated"
        group.add(
            answer["id"], place, answer["text"], value, kind, [rated.get("reason", ""), parts], 1
        )


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    return read_jsonl(file, dict) if file.exists() else []


def _source(paths: RunPaths) -> str:
    """Return where the run's functional problems are from, as the settings of its jobs say."""
    given = map(read_parameters, sorted(paths.jobs.glob(f"*/{PARAMS}")))
    return next((one["functional"]["data"] for one in given if "functional" in one), "public")


def _add_prompts(group: SampleGroup, source: str) -> None:
    """Add the problems' prompts from the benchmark, "nano" or "public"."""
    name = group.benchmark
    if source == "public" and name in BENCHMARKS and not all(f.there for f in public.files(name)):
        group.note = "The prompt is not shown: the benchmark's file is not on this machine."
        return  # a report does not fetch
    try:
        problems = load(name, source)
    except CodealignError as error:
        group.note = f"The prompt is not shown: {error}"
        return
    group.prompts |= {id: _cut(p.prompt) for id, p in problems.items() if id in group.rows}


def _label(name: str) -> str:
    if (dimension := name.removeprefix("codal_")) in DIMENSIONS and dimension != name:
        return f"CODAL {dimension.replace('_', ' ')}"
    try:
        return benchmark(name).label
    except (CodealignError, KeyError):
        return name


def _cut(text: str) -> str:
    lacking = len(text) - LONGEST
    return text if lacking <= 0 else f"{text[:LONGEST]}\n… {lacking} characters more"
