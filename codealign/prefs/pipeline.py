"""The pipeline from seeds to pairs, one file a step, resumable down to the record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from codealign.errors import CodealignError
from codealign.generate import Completion, Request
from codealign.params import Generation, Prefs
from codealign.prefs import concepts, executions, instructions, responses
from codealign.prefs.card import Summary, make_card
from codealign.prefs.pairs import make_pairs
from codealign.prefs.seeds import choose_seeds
from codealign.prefs.steps import Generate, Recipe, made_id
from codealign.records import (
    Concepts,
    Instruction,
    Response,
    Resumable,
    Seed,
    write_jsonl,
    write_text,
)

Source = TypeVar("Source")
Made = TypeVar("Made")


class Pipeline:
    """One run of the pipeline: where its files go and what makes its items.

    Parameters are those of `run_pipeline`; `report` gets one closing line a step.
    """

    def __init__(
        self,
        settings: Prefs,
        generate: Generate,
        folder: Path,
        recipe: Recipe,
        report: Callable[[str], None],
    ) -> None:
        self.settings, self.generate, self.folder = settings, generate, folder
        self.recipe, self.report = recipe, report
        self.counts: dict[str, dict[str, int]] = {}
        self.lines: list[str] = []

    def close_step(self, step: str, kept: int, counts: dict[str, int], more: str = "") -> None:
        """Keep a step's counts and report its closing line; `more` is put behind it."""
        self.counts[step] = {"kept": kept, **counts}
        parts = [f"{step}: {kept} kept", *(f"{n} {name}" for name, n in counts.items() if n)]
        self.lines.append(", ".join(parts) + more)
        self.report(self.lines[-1])

    def concepts(self, seeds: list[Seed]) -> list[Concepts]:
        """Ask for the concepts of each seed; those without any are counted and stay in the file."""
        settings = self.settings.concepts
        work = concepts.requests(seeds, self.recipe, settings)
        found = self._sample("concepts", Concepts, work, concepts.parse, settings, concepts.STOP)
        kept = [c for c in found if c.concepts]
        self.close_step("concepts", len(kept), {"seeds without concepts": len(found) - len(kept)})
        return kept

    def instructions(self, found: list[Concepts], requirement: str) -> list[Instruction]:
        """Ask for an instruction for each set of concepts; return those worth answering."""
        settings = self.settings.instructions
        dimensions = instructions.dimensions_of((c.seed_id for c in found), requirement)
        work = instructions.requests(found, dimensions, self.recipe, settings)
        written = self._sample(
            "instructions", Instruction, work, instructions.parse, settings, instructions.STOP
        )
        kept, counts = instructions.usable(written)
        self.close_step("instructions", len(kept), counts)
        return kept

    def responses(self, asked: list[Instruction]) -> list[Response]:
        """Sample the responses to each instruction."""
        settings = self.settings.sampling
        work = responses.requests(asked, self.recipe, settings)
        n = self.settings.responses
        found = self._sample(
            "responses", Response, work, responses.parse, settings, responses.STOP, n
        )
        self.close_step("responses", len(found), responses.count(found))
        return found

    def _sample(
        self,
        step: str,
        cls: type[Made],
        work: list[tuple[Request, Source]],
        parse: Callable[[Completion, Source], Made],
        settings: Generation,
        stop: tuple[str, ...],
        n: int = 1,
    ) -> list[Made]:
        """Complete what an earlier run has not; return all records in the order of the work."""
        sources = {request.id: source for request, source in work}
        ids = {(key, i): made_id(key, i) for key in sources for i in range(n)}
        with closing(Resumable(self.folder / f"{step}.jsonl", cls)) as file:
            done = {key for key, item_id in ids.items() if item_id in file.done}
            pending = [r for r, _ in work if any((r.id, i) not in done for i in range(n))]
            made = self.generate(
                pending, settings=settings, n=n, seed=self.recipe.seed, stop=stop, done=done
            )
            with tqdm(total=len(ids), initial=len(done), desc=step, leave=False) as bar:
                for completion in made if pending else ():
                    file.append(parse(completion, sources[completion.id]))
                    bar.update()
            missing = sum(item_id not in file.done for item_id in ids.values())
            if missing:
                raise CodealignError(f"{step}: the engine gave no completion for {missing} items")
            return file.finish(ids.values())


def run_pipeline(
    seeds: Iterable[Seed],
    settings: Prefs,
    generate: Generate,
    sandbox: executions.Runs,
    folder: Path | str,
    requirement: str,
    seed: int,
    *,
    model: str = "",
    corpus: dict[str, Any] | None = None,
    report: Callable[[str], None] = print,
) -> Summary:
    """Make the preference data of one model and requirement.

    Writes into `folder`: `seeds`, `concepts`, `instructions`, `responses`, `executions` and
    `pairs` (.jsonl) and `card.json`. `pairs.jsonl` is a preference data set (columns prompt,
    chosen, rejected) that `datasets` loads; its prompt is the bare task, which training puts into
    the model's own format. A killed run continues at the record; a record made from another
    prompt, model, seed or sampling is not used again.

    Parameters
    ----------
    seeds : from `seeds.extract`; `settings.seeds` of them are drawn.
    generate : see `steps.Generate`.
    sandbox : its `run(programs)` yields one result a program, in any order.
    requirement : "functional" or "non_functional".
    seed : the run's seed.
    model : name of the generating model, for ids and the card.
    corpus : what the card says of the corpus, e.g. the counts of `seeds.Extraction`.
    report : gets one closing line a step.

    Raises
    ------
    CodealignError
        No seeds; an unknown requirement; the engine left items out.
    """
    folder = Path(folder)
    chosen = choose_seeds(seeds, settings.seeds, seed)
    if not chosen:
        raise CodealignError("no seed function passed the filters; see the extraction's counts")
    recipe = Recipe(model, seed, settings.shots)
    run = Pipeline(settings, generate, folder, recipe, report)
    write_jsonl(folder / "seeds.jsonl", chosen)
    run.close_step("seeds", len(chosen), {})
    asked = run.instructions(run.concepts(chosen), requirement)
    answers = run.responses(asked)
    executed = executions.execute(answers, sandbox, folder / "executions.jsonl", settings.cpu_s)
    verdicts = Counter(e.verdict for e in executed.values())
    run.close_step("executions", len(executed), dict(verdicts.most_common()))
    made = make_pairs(asked, answers, executed, seed)
    write_jsonl(folder / "pairs.jsonl", made.pairs)
    errors = verdicts["sandbox_error"]
    run.close_step("pairs", len(made.pairs), made.counts, executions.errors_note(errors))
    card = make_card(
        recipe, settings, requirement, made.pairs, executed.values(), run.counts, corpus or {}
    )
    write_text(folder / "card.json", json.dumps(card, indent=1) + "\n")
    return Summary(made.pairs, run.counts, run.lines, card)
