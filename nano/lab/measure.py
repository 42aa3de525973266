"""What the shipped models can do: pass@1 on nano's problems, and how often samples pass and fail.

For the model card. Scores come from the study's own functional evaluation, samples from its own
preference pipeline, on tasks of the shipped pool whose hidden tests say what is right.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from codealign.evaluate.functional.completions import Model
from codealign.evaluate.functional.evaluation import evaluate_all
from codealign.evaluate.functional.registry import load
from codealign.generate import Engine, generate
from codealign.params import Generation, Prefs
from codealign.prefs import seeds
from codealign.prefs.pipeline import run_pipeline
from codealign.prefs.pool import write_inputs
from codealign.records import Execution, Instruction, Response, read_jsonl
from codealign.sandbox import Sandbox

GREEDY = Generation(temperature=0.0, max_new_tokens=256)
SAMPLED = Generation(temperature=0.8, max_new_tokens=256, batch_size=128)
SEED = 1


def pass_shares(engine: Engine, benchmark: str, chat: bool, limit: int = 0) -> dict[str, float]:
    """Return greedy pass@1 on a benchmark of two suites, as the study's stage 4 has it.

    Parameters
    ----------
    chat : ask as EvalPlus asks a chat model, with the beginning of the answer; else complete.
    limit : first problems only; 0 for all.

    Returns
    -------
    base, plus : shares in [0, 1] of problems whose base tests, and whose base and added tests pass.
    """
    problems = {benchmark: load(benchmark, "nano", limit=limit)}
    with TemporaryDirectory() as name, Sandbox() as sandbox:
        folders = {benchmark: Path(name)}
        model = Model(engine, chat, GREEDY)
        suites = evaluate_all(problems, model, folders, sandbox)[benchmark].suites()
    return {suite: rates["pass@1"] for suite, rates in suites.items()}


@dataclass(frozen=True)
class Answered:
    """An instruction, and of each response whether it passes its own tests and is right."""

    text: str
    own: list[bool]
    right: list[bool]


def _verdicts(folder: Path) -> list[Answered]:
    """Return the instructions of a pipeline's folder with what became of their responses."""
    passed, right = (
        {e.id for e in read_jsonl(folder / name, Execution) if e.verdict == "pass"}
        for name in ("executions.jsonl", "hidden.jsonl")
    )
    texts = {one.id: one.text for one in read_jsonl(folder / "instructions.jsonl", Instruction)}
    answers = defaultdict(list)
    for response in read_jsonl(folder / "responses.jsonl", Response):
        answers[response.instruction_id].append(response.id)
    return [
        Answered(texts[name], [one in passed for one in ids], [one in right for one in ids])
        for name, ids in answers.items()
    ]


def answered(
    engine: Engine, chat: bool, count: int, n: int, sampling: Generation, seed: int
) -> list[Answered]:
    """Return how responses fare in the pipeline, on seeds whose tasks are known.

    Parameters
    ----------
    chat : ask through the model's chat template; else plainly.
    count : seed functions; four in five have a task with hidden tests.
    n : responses to each task, drawn as `sampling` says.
    seed : of the pool and of the draws.
    """
    settings = Prefs(
        corpus="nano", tasks="grammar", seeds=count, responses=n, chat=chat, sampling=sampling,
        filters={"type_check": False}, checks={"mutants": 0},
    )  # fmt: skip
    with TemporaryDirectory() as name, Sandbox() as sandbox:
        folder = Path(name)
        corpus, known = write_inputs(folder, settings, seed)
        extraction = seeds.extract(corpus, folder / "candidates.jsonl", settings=settings)
        where = (partial(generate, engine=engine), sandbox, folder, "functional", seed)
        options = {"known": known, "chat": engine.chat if chat else None}
        run_pipeline(extraction.path, settings, *where, **options, report=lambda line: None)
        return _verdicts(folder)


def sampling_shares(engine: Engine, chat: bool, count: int = 60, n: int = 8) -> dict[str, float]:
    """Return how samples of responses fare in the pipeline, on seeds whose tasks are known.

    Parameters
    ----------
    count : seed functions; four in five have a task with hidden tests.
    n : samples of each task.

    Returns
    -------
    own : share that pass their own tests. right : share that pass the hidden ones. right_if_own and
    own_if_right : the two conditional shares. mixed : share of instructions with both a passing
    and a failing response, by their own tests: those that give a preference pair.
    """
    found = answered(engine, chat, count, n, SAMPLED, SEED)
    own, right = [one.own for one in found], [one.right for one in found]
    mixed = sum(0 < sum(group) < n for group in own) / len(own)
    flat = list(zip(sum(own, []), sum(right, []), strict=True))
    passing, correct = sum(o for o, _ in flat), sum(r for _, r in flat)
    both = sum(o and r for o, r in flat)
    return {
        "own": passing / len(flat),
        "right": correct / len(flat),
        "right_if_own": both / max(1, passing),
        "own_if_right": both / max(1, correct),
        "mixed": mixed,
    }
