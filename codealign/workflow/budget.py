"""How much of a profile fits into a budget: seeds, problems and preference data, decided before.

Of what fits, the design that can tell the smallest difference is taken (`analysis.power`). The
preference data are the method itself: they are halved only where nothing fits with them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codealign.analysis.power import reach
from codealign.errors import CodealignError
from codealign.params import Params
from codealign.workflow.estimate import Estimate, estimate
from codealign.workflow.rates import Rates
from codealign.workflow.work import sizes_of

DATA_SHARES = (1.0, 0.5, 0.25)
LIMITS = (0, 100, 50, 25, 10)
"""Problems of a benchmark, 0: all."""
FEWEST = 3
"""Seeds below which their spread is not known well enough to tell anything (`power`)."""
TRIED = 40
"""Made-up runs with which designs are compared."""
TAIL = 1.15
"""Wall time over work divided by cores: jobs wait for one another."""
UNITS = {"gpuh": "gpu_hours", "h": "hours", "min": "hours", "usd": "usd", "$": "usd"}


@dataclass(frozen=True)
class Budget:
    """Hours on the clock, GPU hours and US dollars for judging; None: no limit."""

    hours: float | None = None
    gpu_hours: float | None = None
    usd: float | None = None


def read_budget(texts: list[str]) -> Budget:
    """Read budgets such as `2h`, `90min`, `5gpuh` and `10usd`.

    Raises
    ------
    CodealignError
        Another unit, or no number before it.
    """
    amounts: dict[str, float] = {}
    for text in texts:
        parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(gpuh|h|min|usd|\$)\s*", text.lower())
        if not parts or not float(parts[1]):
            raise CodealignError(f"--budget {text}: write it as 2h, 90min, 5gpuh or 10usd")
        amounts[UNITS[parts[2]]] = float(parts[1]) / (60 if parts[2] == "min" else 1)
    return Budget(**amounts)


@dataclass(frozen=True)
class Fit:
    """A profile made to fit, what it will take, and the least difference it can tell, in points."""

    params: Params
    hours: float
    gpu_hours: float
    usd: float
    points: float

    def lines(self) -> list[str]:
        """Return what was decided, and what it takes."""
        p, seeds = self.params, len(self.params.study.seeds)
        problems = sum(sizes_of(p).values())
        taken = f"about {self.hours:.1f} h on the clock, {self.gpu_hours:.1f} GPU hours"
        lines = [
            f"plan: {seeds} seed{'s' * (seeds > 1)}, {problems} problems, {p.prefs.seeds} seed "
            f"functions with {p.prefs.responses} responses, {p.sft.epochs:g} epochs of SFT: {taken}"
            + (f", {self.usd:.2f} USD for judging" if self.usd else "")
        ]
        if seeds == 1:
            return [*lines, "one training run: what another would give, it cannot tell"]
        return [*lines, f"it tells a functional difference of {self.points:.1f} points or more in "
                "four runs of five"]  # fmt: skip


def fit(params: Params, budget: Budget, pace: Rates | None, cores: int) -> Fit:
    """Return the profile with as many seeds and problems as the budget allows.

    Parameters
    ----------
    params : with as many seeds as are wanted at most.
    pace : what this machine does; None: what `plan` assumes.

    Raises
    ------
    CodealignError
        Nothing fits: says what the least would take.
    """
    lone: list[Fit] = []
    least: Fit | None = None
    for share in DATA_SHARES:
        designs = list(_designs(params, share, pace, cores))
        least = designs[-1] if designs else least
        fitting = [one for one in designs if _fits(one, budget)]
        if several := [one for one in fitting if len(one.params.study.seeds) >= FEWEST]:
            return min((_with_reach(one) for one in _best(several)), key=lambda one: one.points)
        lone += [one for one in fitting if len(one.params.study.seeds) == 1]
    if lone:
        return _with_reach(max(lone, key=lambda one: one.hours))
    assert least is not None
    asks = f"{least.hours * 60:.0f}min" if budget.hours else f"{least.gpu_hours:.1f}gpuh"
    if budget.usd is not None and least.usd > budget.usd:
        asks = f"{least.usd:.2f}usd, or --judge static"
    raise CodealignError(
        f"--budget: too small for anything: one seed on {LIMITS[-1]} problems of each benchmark "
        f"takes {least.hours:.2f} h; give --budget {asks}, or a smaller profile with --params"
    )


def _designs(params: Params, share: float, pace: Rates | None, cores: int) -> Iterator[Fit]:
    """Yield the profile with each number of problems and seeds, the smallest last."""
    most = len(params.study.seeds)
    for limit in LIMITS:
        smaller = _with(params, share, limit)
        if limit and sum(sizes_of(smaller).values()) == sum(sizes_of(params).values()):
            continue  # the limit takes no problem away
        one, two = (estimate(_seeds(smaller, k), pace=pace) for k in (1, 2))
        for k in range(most, 0, -1):
            yield _fit(_seeds(smaller, k), one, two, k, cores)


def _with(params: Params, share: float, limit: int) -> Params:
    prefs = params.prefs.model_copy(update={"seeds": max(round(share * params.prefs.seeds), 8)})
    old = [section.limit for section in (params.functional, params.codal)]
    # 0 stands for all problems: it counts as a number beyond any, and is 0 again in the end.
    new = [min(limit or 10**9, was or 10**9) % 10**9 for was in old]
    return params.model_copy(update={
        "prefs": prefs,
        "functional": params.functional.model_copy(update={"limit": new[0]}),
        "codal": params.codal.model_copy(update={"limit": new[1]}),
    })  # fmt: skip


def _seeds(params: Params, count: int) -> Params:
    own = params.study.seeds
    seeds = own[:count] if len(own) >= count else list(range(count))
    return params.model_copy(update={"study": params.study.model_copy(update={"seeds": seeds})})


def _fit(params: Params, one: Estimate, two: Estimate, seeds: int, cores: int) -> Fit:
    """Return what a number of seeds takes: each takes what the second adds to the first."""

    def grown(first: float, second: float) -> float:
        return first + (seeds - 1) * (second - first)

    hours = grown(one.total("hours"), two.total("hours"))
    gpu = grown(one.total("gpu_hours"), two.total("gpu_hours"))
    usd = grown(one.usd or 0.0, two.usd or 0.0)
    at_once = 1 if gpu else cores  # jobs on a GPU take turns
    return Fit(params, hours / at_once * (TAIL if at_once > 1 else 1), gpu, usd, 0.0)


def _fits(design: Fit, budget: Budget) -> bool:
    spent = ((design.hours, budget.hours), (design.gpu_hours, budget.gpu_hours),
             (design.usd, budget.usd))  # fmt: skip
    return all(limit is None or cost <= limit for cost, limit in spent)


def _best(designs: list[Fit]) -> list[Fit]:
    """Return for each number of problems the design with the most seeds: fewer tell less."""
    best: dict[int, Fit] = {}
    for one in designs:
        best.setdefault(one.params.functional.limit, one)
    return list(best.values())


def _with_reach(design: Fit) -> Fit:
    seeds = len(design.params.study.seeds)
    sizes = sizes_of(design.params)
    requirement = "functional" if "functional" in design.params.requirements else "non_functional"
    (reached,) = reach(sizes, [seeds], requirement, runs=TRIED)
    return Fit(design.params, design.hours, design.gpu_hours, design.usd, reached.points)
