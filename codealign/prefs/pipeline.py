"""The pipeline from seeds to pairs, one file per step, resumable down to the record.

Every step reads the file of the one before it and writes its own, a window at a time, so that the
memory it needs does not grow with the number of seeds and responses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.params import Prefs
from codealign.prefs import instructions, responses
from codealign.prefs.card import Summary, make_card, take_over, write_card
from codealign.prefs.checks import REAL, check
from codealign.prefs.executions import Executed, Runs, execute, execute_hidden
from codealign.prefs.outcomes import Labelled, outcomes
from codealign.prefs.ratings import Rater, needs_judge, rate
from codealign.prefs.rules import NONE_FAILED, NONE_PASSED, Lengths, make_pairs
from codealign.prefs.seeds import choose_seeds
from codealign.prefs.steps import Generate, Recipe, Step, sample
from codealign.prefs.trials import run_trials
from codealign.prompts import template_set
from codealign.records import (
    Check,
    Concepts,
    Execution,
    Instruction,
    Known,
    Pair,
    Rating,
    Record,
    Response,
    Seed,
    Trial,
    label_noise,
    read_jsonl,
    write_jsonl,
)


@dataclass
class Pipeline:
    """One run of the pipeline: where its files go, what makes its items, and what came of it.

    The first are those of `run_pipeline`; the others, from `counts` on, are filled by the steps.
    """

    settings: Prefs
    generate: Generate
    folder: Path
    recipe: Recipe
    report: Callable[[str], None]
    known: dict[str, Known]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    cost: dict[str, dict[str, float]] = field(default_factory=dict)
    lengths: Lengths = field(default_factory=Lengths)
    noise: float | None = None
    lines: list[str] = field(default_factory=list)

    def read(self, step: str, cls: type[Record]) -> Iterator[Record]:
        """Yield the records of a finished step."""
        return read_jsonl(self.folder / f"{step}.jsonl", cls)

    def close_step(self, step: str, kept: int, counts: dict[str, int], more: str = "") -> None:
        """Keep a step's counts and report its closing line; `more` is put behind it."""
        self.counts[step] = {"kept": kept, **counts}
        parts = [f"{step}: {kept} kept", *(f"{n} {name}" for name, n in counts.items() if n)]
        self.lines.append(", ".join(parts) + more)
        self.report(self.lines[-1])

    def seeds(self, candidates: Path) -> None:
        """Draw the seeds from the candidates."""
        chosen = choose_seeds(candidates, self.settings.seeds, self.recipe.seed)
        kept = write_jsonl(self.folder / "seeds.jsonl", chosen)
        if not kept:
            raise CodealignError(
                "no seed function passed the filters; see the extraction's counts, and give a "
                "corpus with documented functions"
            )
        self.close_step("seeds", kept, {})

    def known_instructions(self) -> None:
        """Take the instructions of the seeds whose tasks are known."""
        total = self.counts["seeds"]["kept"]
        known = instructions.known_instructions(self.read("seeds", Seed), self.known)
        write_jsonl(self.folder / "instructions.jsonl", known)
        kept = sum(1 for _ in self.asked())
        self.shares = {"functional": kept}
        self.close_step("instructions", kept, {"seeds without hidden tests": total - kept})

    def concepts(self) -> None:
        """Ask for the concepts of each seed; those without any are counted and stay in the file."""
        settings = self.settings.concepts

        def work() -> Iterator:
            seeds = self.read("seeds", Seed)
            return instructions.concept_requests(seeds, self.recipe, settings)

        parse, stop = instructions.parse_concepts, instructions.STOP
        total = self.counts["seeds"]["kept"]
        self._sample(Step("concepts", Concepts, work, parse, settings, stop, 1, total))
        kept = sum(bool(c.concepts) for c in self.read("concepts", Concepts))
        cut = sum(c.cut for c in self.read("concepts", Concepts))
        counts = {"seeds without concepts": total - kept, "lists cut": cut}
        self.close_step("concepts", kept, counts)

    def instructions(self, requirement: str) -> None:
        """Ask for an instruction for each set of concepts, of equal shares of the dimensions."""
        settings = self.settings.instructions
        asked = (c.seed_id for c in self.read("concepts", Concepts) if c.concepts)
        shares = instructions.Dimensions(asked, requirement, self.settings.dimensions)

        def work() -> Iterator:
            concept_sets = self.read("concepts", Concepts)
            return instructions.requests(concept_sets, shares, self.recipe, settings)

        stop, total = instructions.STOP, self.counts["concepts"]["kept"]
        self._sample(
            Step("instructions", Instruction, work, instructions.parse, settings, stop, 1, total)
        )
        counts = Counter({responses.CUT: 0, "too short": 0, "duplicate": 0})
        dimensions = Counter(one.dimension or requirement for one in self.asked(counts))
        self.shares = dict(sorted(dimensions.items()))
        self.close_step("instructions", dimensions.total(), counts)

    def asked(self, counts: Counter[str] | None = None) -> Iterator[Instruction]:
        """Yield the instructions that are worth answering."""
        return instructions.usable(self.read("instructions", Instruction), counts)

    def responses(self) -> None:
        """Sample the responses to each instruction."""
        settings, n = self.settings.sampling, self.settings.responses

        def work() -> Iterator:
            return responses.requests(self.asked(), self.recipe, settings)

        stop, total = responses.STOP, self.counts["instructions"]["kept"]
        self._sample(Step("responses", Response, work, responses.parse, settings, stop, n, total))

    def _sample(self, step: Step) -> None:
        sample(step, self.generate, self.folder, self.recipe.seed)

    def answers(self) -> Iterator[Response]:
        """Yield the responses, with code and tests as they are read today."""
        return map(responses.read_again, self.read("responses", Response))

    @property
    def keep_tests(self) -> bool:
        """Whether the own tests stay in the text of a pair."""
        return self.settings.pairs.tests == "keep"

    def executions(self, sandbox: Runs) -> Executed:
        """Execute the responses with their own tests."""
        total = self.counts["instructions"]["kept"] * self.settings.responses
        path, cpu_s = self.folder / "executions.jsonl", self.settings.cpu_s
        summary = execute(self.answers, sandbox, path, cpu_s, total, self.keep_tests)
        self.close_step("responses", total, summary.responses)
        executed = summary.verdicts.total()
        self.cost["own tests"] = {"executions": executed, "cpu_s": round(summary.cpu_s, 1)}
        self.close_step("executions", executed, dict(summary.verdicts.most_common()))
        return summary

    def hidden(self, sandbox: Runs) -> None:
        """Judge the responses by the hidden tests of their instructions."""
        names = {seed.id: seed.name for seed in self.read("seeds", Seed)}
        tasks = {i.id: self.known[names[i.seed_id]] for i in self.asked()}
        path, cpu_s = self.folder / "hidden.jsonl", self.settings.cpu_s
        verdicts = execute_hidden(self.answers, tasks, sandbox, path, cpu_s)
        self.close_step("hidden", verdicts.total(), dict(verdicts.most_common()))

    @property
    def checks_passes(self) -> bool:
        """Whether the tests of what passed are checked; two rules do not go by them."""
        by_others = self.settings.pairs.rule in ("agreement", "hidden")
        return self.settings.checks.mutants > 0 and not by_others

    def checks(self, sandbox: Runs) -> None:
        """Check whether the tests of what passed can fail; or run all tests on all responses."""
        settings, cpu_s = self.settings, self.settings.cpu_s
        if settings.pairs.rule == "agreement":
            path, total = self.folder / "trials.jsonl", self.counts["instructions"]["kept"]
            tried = run_trials(self.answers, sandbox, path, cpu_s, self.keep_tests, total)
            self.cost["trials"] = {"executions": tried.executions, "cpu_s": round(tried.cpu_s, 1)}
            self.close_step("trials", tried.responses, {"executions": tried.executions})
        if self.checks_passes:
            path, total = self.folder / "checks.jsonl", self.counts["executions"].get("pass", 0)
            checked = check(self.passed, sandbox, path, settings.checks, cpu_s, total)
            self.cost["checks"] = {"executions": checked.programs, "cpu_s": round(checked.cpu_s, 1)}
            real = checked.verdicts.pop(REAL)
            self.close_step("checks", real, checked.verdicts)

    def passed(self) -> Iterator[Response]:
        """Yield the responses that passed their own tests."""
        executed = outcomes(self.asked(), self.answers(), self.read("executions", Execution))
        return (response for outcome in executed for response in outcome.passed)

    def outcomes(self, rated: bool) -> Iterator[Labelled]:
        """Yield each instruction with its responses and what is known of them."""
        return outcomes(
            self.asked(),
            self.answers(),
            self.read("executions", Execution),
            self.read("ratings", Rating) if rated else (),
            self.read("checks", Check) if self.checks_passes else None,
            self.read("trials", Trial) if self.settings.pairs.rule == "agreement" else (),
            self.keep_tests,
            self.read("hidden", Execution) if self.known else (),
        )

    def pairs(self, requirement: str, judge: Rater | None, errors: int) -> None:
        """Make the pairs by the rule of the settings, rated if it wants ratings."""
        settings = self.settings.pairs
        rated = needs_judge(settings, requirement)
        if rated and judge is None:
            raise CodealignError(f"pairs: rule {settings.rule} needs a judge; none was handed in")
        if rated:
            rate(lambda: self.outcomes(False), settings, judge, self.folder / "ratings.jsonl")
            lacking = Counter(r.rating is None for r in self.read("ratings", Rating))
            self.close_step("ratings", lacking[False], {"unrated": lacking[True]})
        counts = Counter({NONE_PASSED: 0, NONE_FAILED: 0})
        pairs = make_pairs(self.outcomes(rated), settings, self.recipe.seed, counts, self.lengths)
        kept = write_jsonl(self.folder / "pairs.jsonl", pairs)
        self.noise = label_noise(self.read("pairs", Pair))
        noise = "" if self.noise is None else f", label noise {self.noise:.1%}"
        retried = f", {errors} sandbox error{'s' * (errors != 1)} (retried)" if errors else ""
        self.close_step("pairs", kept, counts, retried + noise)

    def answered(self, candidates: Path, requirement: str, sandbox: Runs) -> Executed:
        """Make seeds, instructions and responses, and execute and check these."""
        dimensions = instructions.dimensions_of(requirement, self.settings.dimensions)
        template_set(self.settings.templates).check(dimensions)
        self.seeds(candidates)
        if self.known:
            self.known_instructions()
        else:
            self.concepts()
            self.instructions(requirement)
        self.responses()
        executed = self.executions(sandbox)
        if self.known:
            self.hidden(sandbox)
        self.checks(sandbox)
        return executed

    def card(self, requirement: str, executed: Executed, corpus: dict[str, Any]) -> dict[str, Any]:
        """Return the data card."""
        about = {
            "corpus": corpus,
            "shares": self.shares,
            "sandbox_level": sorted(executed.levels),
            "cost": self.cost,
            "characters": self.lengths.means(),
            "label_noise": self.noise,
        }
        pairs = self.read("pairs", Pair)
        return make_card(self.recipe, self.settings, requirement, pairs, self.counts, about)


def run_pipeline(
    candidates: Path | str,
    settings: Prefs,
    generate: Generate,
    sandbox: Runs,
    folder: Path | str,
    requirement: str,
    seed: int,
    *,
    model: str = "",
    judge: Rater | None = None,
    chat: Callable[[str], str] | None = None,
    corpus: dict[str, Any] | None = None,
    report: Callable[[str], None] = print,
    known: Path | str | None = None,
    earlier: Path | str | None = None,
) -> Summary:
    """Make the preference data of one model and requirement.

    Writes into `folder`: `seeds`, `concepts`, `instructions`, `responses`, `executions`, `checks`,
    `trials` and `ratings` if the pair rule wants them, and `pairs` (.jsonl), `card.json` and the
    data card `README.md`. `datasets.load_dataset(folder)` loads the pairs (columns prompt, chosen,
    rejected); the prompt is the bare task, which training puts into the model's own format. A
    killed run continues at the record; one made from another prompt, model or sampling is not used.

    Parameters
    ----------
    candidates : file of `seeds.extract`; `settings.seeds` of them are drawn.
    generate : see `steps.Generate`.
    sandbox : its `run(programs)` yields one result per program, in any order.
    requirement : "functional" or "non_functional".
    seed : the run's seed.
    model : name of the generating model, for ids and the card.
    judge : rates responses, for the pair rules that want it.
    chat : puts a prompt into the model's chat format (`engine.chat`); None for a base model.
    corpus : what the card says of the corpus, e.g. the counts of `seeds.Extraction`.
    report : gets one closing line per step.
    known : file of `Known` tasks: instructions in place of the model's, with hidden tests; or None.
    earlier : finished data of this model, requirement and seed, taken over (`card.take_over`).

    Raises
    ------
    CodealignError
        No seeds; an unknown requirement or pair rule without its judge; a template without a field
        that it needs; no chat template; the engine left items out; the disk is full.
    """
    folder = Path(folder)
    recipe = Recipe(model, seed, settings.templates, chat)
    tasks = instructions.read_known(known, settings, requirement)
    run = Pipeline(settings, generate, folder, recipe, report, tasks)
    needs_judge(settings.pairs, requirement)
    take_over(earlier, folder, settings)
    executed = run.answered(Path(candidates), requirement, sandbox)
    run.pairs(requirement, judge, executed.verdicts["sandbox_error"])
    card = run.card(requirement, executed, corpus or {})
    write_card(folder, card)
    return Summary(run.counts, run.lines, card)
