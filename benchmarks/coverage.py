"""How often do the report's 95 % intervals hold the truth, and how often is a verdict false?

Made-up runs of which the truth is known: every model solves a problem with a chance that depends on
the problem, each training adds noise of its own to a score, and nothing has an effect. The runs go
through the very functions that the report calls:

    python benchmarks/coverage.py --out docs/explanation/coverage.md

With 200 made-up runs per number (`--runs`) it takes about a quarter of an hour of one idle core
(estimated), and ten times as many ten times as long. Each row of a table is kept as soon as it is
done; stopped and started again, the command computes what lacks (`--again`: everything). `--only`
computes some of the parts.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from codealign.analysis import made_up
from codealign.analysis.advice import NOT_SUPPORTED, RULES, SUPPORTED
from codealign.analysis.cells import BENCHMARKS, MEMBERS, TASKS, Cells
from codealign.analysis.claims import book
from codealign.analysis.claims.model import AGREES, DISAGREES, statements
from codealign.analysis.contrasts import CHANGE, RELATIVE, SCORE, Term
from codealign.analysis.made_up import BASES, Design
from codealign.analysis.power import CLEAR, MATTERS, decision
from codealign.analysis.questions import (
    SPLIT,
    Question,
    ask,
    change,
    ends_higher,
    gains_more,
    observations,
    observed,
    over_models,
    technique,
)
from codealign.analysis.scores import benchmark
from codealign.markdown import pipe_table
from codealign.records import ALIGNED

NANO = {"humaneval_plus": 164, "mbpp_plus": 200}
RATINGS, CATEGORY = 40, 28


def sizes(public: bool) -> dict[str, int]:
    """Return the problems of each benchmark of the scores, of the public ones or of nano's."""
    names = [name for members in MEMBERS.values() for name in members]
    small = {n: NANO.get(n, RATINGS if n.startswith("codal") else CATEGORY) for n in names}
    return {n: benchmark(n).n for n in names} if public else small


@dataclass(frozen=True)
class World:
    """What made-up runs are like: problems, seeds, training noise in points, scale of the bases."""

    public: bool
    seeds: int
    noise: float
    base: float = 1.0


def runs(world: World, count: int, seed: int, models: tuple[str, ...] = ("m",)) -> Iterator[Cells]:
    """Yield made-up runs in which alignment does nothing."""
    design = Design(sizes(world.public), world.seeds, world.noise, world.base)
    yield from made_up.runs(design, count, seed, models)


PTA = ("pretrained",)
TRUE_SCORE = 100 * sum(BASES.values()) / len(BASES)
SEEDS, NOISES = (1, 2, 3, 5), (0.0, 2.2, 3.4)
Told = dict[str, list[bool]]


def _one(name: str) -> Question:
    requirement = "non_functional" if name.startswith("codal") else "functional"
    return Question((Term(1, requirement, PTA, ("dpo",), (name,)),), CHANGE)


HEADLINES = {
    "score": Question((Term(1, "functional", PTA, ("dpo",)),), SCORE),
    "change": change("functional", "pretrained"),
    "change NF": change("non_functional", "pretrained"),
    "relative change": Question((Term(1, "functional", PTA),), RELATIVE),
    "ends": ends_higher("functional"),
    "gains": gains_more("functional"),
    "gains NF": gains_more("non_functional"),
    "one benchmark": _one("evoeval_difficult"),
    "one dimension": _one("codal_style"),
    "relative, PTA - FTA": Question(gains_more("functional").contrast, RELATIVE),
}
"""What stands first in a report; all but the score are 0 in truth."""


def headlines(world: World, count: int, seed: int) -> Told:
    """Return of each headline whether its interval held the truth, for each run."""
    held: Told = defaultdict(list)
    for cells in runs(world, count, seed):
        for name, question in HEADLINES.items():
            found = ask(cells, question, "m")
            truth = TRUE_SCORE * world.base if name == "score" else 0.0
            if found.low == found.low:  # an interval that is refused claims nothing
                held[name].append(bool(found.low <= truth <= found.high))
    return held


MORE = {
    "ends, F1, F2, F4 alike": (ends_higher("functional"), TASKS),
    "gains, F1, F2, F4 alike": (gains_more("functional"), TASKS),
    "BoNBoN - DPO": (technique("functional", "pretrained"), BENCHMARKS),
    "BoNBoN - DPO, NF": (technique("non_functional", "pretrained"), BENCHMARKS),
    "both requirements": (book.question("abstract-gap"), BENCHMARKS),
}
"""Further intervals of a report; 0 in truth."""


def more(world: World, count: int, seed: int) -> Told:
    """Return of each further interval whether it held the truth, for each run."""
    held: Told = defaultdict(list)
    for cells in runs(world, count, seed):
        for name, (asked, weigh) in MORE.items():
            found = ask(cells, asked, "m", weigh)
            held[name].append(bool(found.low <= 0 <= found.high))
    return held


def ledger_told(world: World, count: int, seed: int) -> Told:
    """Return of each question of the ledger whether a side was told where there is none."""
    told: Told = defaultdict(list)
    asked = {s.id: book.question(s.id) for s in statements()}
    first = {q: name for name, q in reversed(asked.items()) if q}  # the same question once
    for cells in runs(world, count, seed):
        for q, name in reversed(first.items()):
            verdict = over_models(cells, q).verdict_in_general(AGREES, DISAGREES)
            told[name].append(verdict in (AGREES, DISAGREES))
    return told


def observations_told(world: World, count: int, seed: int) -> Told:
    """Return of each observation whether a sign was told where there is none."""
    told: Told = defaultdict(list)
    asked = [e["id"] for e in observations() if "terms" in e or e.get("measure") == SPLIT]
    for cells in runs(world, count, seed):
        for name in asked:
            told[name].append(world.seeds > 1 and ask(cells, observed(name), "m").side != 0)
    return told


def advice_told(world: World, count: int, seed: int, models: tuple[str, ...] = ("m",)) -> Told:
    """Return of each recommendation whether a verdict was given where there is nothing."""
    told: Told = defaultdict(list)
    for cells in runs(world, count, seed, models):
        for name, rule in RULES.items():
            told[name].append(rule(cells).verdict in (SUPPORTED, NOT_SUPPORTED))
    return told


def family_told(world: World, count: int, seed: int) -> Told:
    """Return `advice_told` of two sizes of one family."""
    return advice_told(world, count, seed, ("coder-7b", "coder-1.3b"))


def printed_told(world: World, count: int, seed: int) -> Told:
    """Return the same for tables like the paper's: five models, one seed, no problems."""
    told: Told = defaultdict(list)
    for cells in runs(world, count, seed, ("coder-7b", "coder-1.3b", "c", "d", "e")):
        unknown = np.full_like(cells.halves, np.nan)
        none = (None,) * len(cells.answers)
        bare = replace(cells, answers=none, clusters=0, halves=unknown)
        for name, rule in RULES.items():
            told[name].append(rule(bare).verdict in (SUPPORTED, NOT_SUPPORTED))
    return told


def stopped_told(world: World, count: int, seed: int) -> Told:
    """Return whether a winner was named at any look, by a run that is looked at after each seed."""
    told: Told = defaultdict(list)
    after = tuple(range(2, world.seeds + 1))
    design = Design(sizes(world.public), world.seeds, world.noise, world.base)
    for every in made_up.looks(design, count, seed, stages=ALIGNED, after=after):
        for requirement, name in (("functional", "ends"), ("non_functional", "ends NF")):
            asked = (ask(cells, ends_higher(requirement), "m") for cells in every)
            reasons = (decision(effect, after, MATTERS) for effect in asked)
            told[name].append(next((why for why in reasons if why), "") == CLEAR)
    return told


@dataclass(frozen=True)
class Part:
    """One table: what its numbers are, how they are made, of which worlds."""

    title: str
    about: str
    asked: Callable[[World, int, int], Told]
    worlds: tuple[World, ...]


def _worlds(seeds: tuple[int, ...], noises: tuple[float, ...], base: float = 1.0) -> tuple:
    return tuple(World(public, k, noise, base) for public in (False, True) for k in seeds
                 for noise in noises)  # fmt: skip


COVERAGE = "Percent of 95 % intervals that hold the truth"
FALSE = "Percent of runs without any effect that get a verdict all the same"
PARTS = {
    "headlines": Part("Headlines", COVERAGE, headlines, _worlds(SEEDS, NOISES)),
    "low": Part("Headlines where the base scores 3 %", COVERAGE, headlines,
                _worlds((2, 5), (0.0,), 0.09)),
    "more": Part("Further intervals", COVERAGE, more, _worlds((1, 2, 5), (0.0, 3.4))),
    "observations": Part("Observations", FALSE, observations_told, _worlds(SEEDS, NOISES)),
    "six": Part("Observations, six seeds and more", FALSE, observations_told,
                (World(False, 6, 3.4), World(False, 6, 0.0), World(False, 16, 3.4))),
    "ledger": Part("The ledger's questions to a run", FALSE, ledger_told,
                   _worlds((1, 2, 5), (3.4,))),
    "advice": Part("Recommendations, one model", FALSE, advice_told, _worlds(SEEDS, NOISES)),
    "family": Part("Recommendations, two sizes of one family", FALSE, family_told,
                   (World(False, 2, 3.4), World(False, 3, 3.4))),
    "printed": Part("Recommendations, printed tables of five models", FALSE, printed_told,
                    (World(True, 1, 0.0), World(True, 1, 3.4))),
    "stopping": Part("Looked at after each seed (`codealign start-from`)", FALSE, stopped_told,
                     _worlds((5,), (3.4,))),
}  # fmt: skip
INTRO = """# How far intervals and verdicts can be relied on

*For somebody who wants to know what "95 %" and "not distinguishable" are worth.*

Made by `python benchmarks/coverage.py --out docs/explanation/coverage.md` from made-up runs in
which alignment does nothing: every model solves a problem with a chance that depends on the
problem, and each training moves a score by a noise of its own, given in points of standard
deviation. nano's committed seeds show at most 2.1 in the study's own cells, and up to 4.6 in
ablations (`beta_0.1`). The runs go through the functions that the report calls; *nano* and *public*
are the benchmarks' sizes.

With two seeds or more every headline holds the problems and the seeds. **With one seed an interval
holds the problems alone**: its coverage falls with the noise, and the report names a winner only
"in this one training run". Counts of signs (O7, O8, O11, O15, O16, O19; R2, R7, R9) get no verdict
below six seeds. R5, R6 and R8 correct for the number of intervals they look through.

Behind ± stands the Monte Carlo error of the number: one standard deviation of what other made-up
runs would have given (with two made-up hits and misses, so that 0 and 100 have one too).

Not simulated: the placebo's and the alignment tax's intervals, the corrected intervals of R5, R6
and R8 one by one, the intervals of single scores (Tables 3 to 5), of kappa, of rho and of the
reference's position, "reproduced" beside printed scores, and the gaps of a training."""
NEXT = """## Where next

- [Methods](methods.md), [Threats to validity](threats.md).
- All pages: [index](../index.md).
"""


def table(name: str, found: list[tuple[World, Told]]) -> str:
    """Return one part's table as Markdown, with the number furthest from what is claimed."""
    part = PARTS[name]
    names = list(dict.fromkeys(n for _, told in found for n in told))
    head = ["sizes", "seeds", "noise", *names]
    rows = []
    for world, told in found:
        place = ["public" if world.public else "nano", world.seeds, f"{world.noise:g}"]
        rows.append(place + [shown(told.get(n, [])) for n in names])
    most = max(len(v) for _, told in found for v in told.values())
    numbers = pipe_table(head, rows, [" --- "] * len(head))
    last = f"{most} made-up runs per number. {_worst(part, found)}"
    return "\n\n".join([f"## {part.title}", f"{part.about}.", numbers, last])


def shown(told: list[bool]) -> str:
    """Return a share in percent with its Monte Carlo error, "-" of no runs."""
    if not told:
        return "-"
    n, hits = len(told), sum(told)
    likely = (hits + 2) / (n + 4)
    return f"{100 * hits / n:.1f} ± {100 * math.sqrt(likely * (1 - likely) / (n + 4)):.1f}"


def _worst(part: Part, found: list[tuple[World, Told]]) -> str:
    """Return the number furthest on the wrong side among runs that may give a verdict."""
    worst, which = (min, "Lowest") if part.about == COVERAGE else (max, "Highest")
    several = [(w, told) for w, told in found if w.seeds > 1] or found
    shares = [(sum(v) / len(v), name, w, v) for w, told in several for name, v in told.items() if v]
    _, name, world, told = worst(shares, key=lambda share: share[0])
    size = "public" if world.public else "nano"
    seeds = f"{world.seeds} seed{'s' * (world.seeds > 1)}"
    among = " with two seeds or more" if world.seeds > 1 else ""
    return f"{which}{among}: {shown(told)} ({name}; {size}, {seeds}, noise {world.noise:g})."


def compute(name: str, count: int, file: Path) -> None:
    """Add to a part's file what each world that it lacks gives, with progress on standard error."""
    part = PARTS[name]
    done = [world for world, _ in read(file)]
    for at, world in enumerate(part.worlds):
        if world in done:
            continue
        told = part.asked(world, count, 1001 + at)
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps([vars(world), told]) + "\n")
        print(f"{name} {at + 1}/{len(part.worlds)}", file=sys.stderr, flush=True)


def read(file: Path) -> list[tuple[World, Told]]:
    """Return what a part's file holds, a world per line."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [(World(**world), told) for world, told in map(json.loads, lines)]


def page(kept: Path) -> str:
    """Return the page of all parts of which something has been computed."""
    tables = []
    for name, part in PARTS.items():
        told = {world: of_world for world, of_world in read(kept / f"{name}.jsonl")}
        if found := [(world, told[world]) for world in part.worlds if world in told]:
            tables.append(table(name, found))
    return "\n\n".join([INTRO, *tables, NEXT])


def main() -> None:
    """Compute the parts that are lacking, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="made-up runs per number")
    parser.add_argument("--only", choices=list(PARTS), nargs="*", help="compute these parts")
    parser.add_argument("--again", action="store_true", help="compute what is there, too")
    parser.add_argument("--kept", default="runs/coverage", help="folder of computed parts")
    parser.add_argument("--out", default="", help="page to write; else it is printed")
    args = parser.parse_args()
    kept = Path(args.kept) / str(args.runs)
    kept.mkdir(parents=True, exist_ok=True)
    for name in PARTS if args.only is None else args.only:
        file = kept / f"{name}.jsonl"
        if args.again:
            file.unlink(missing_ok=True)
        compute(name, args.runs, file)
    if args.out:
        Path(args.out).write_text(page(kept), encoding="utf-8")
    else:
        print(page(kept))


if __name__ == "__main__":
    main()
