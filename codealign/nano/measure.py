"""What the shipped models can do: pass@1 on nano's problems, and how often samples pass and fail.

A quick check for the model card. The functional evaluation of the study is `codealign.evaluate`.
"""

from __future__ import annotations

import copy
import random
import re
from pathlib import Path
from typing import Any

from codealign.generate import Completion, Request, generate
from codealign.nano import inputs
from codealign.nano.answers import Wish
from codealign.nano.chats import ASK, REPLY
from codealign.nano.documents import instruction
from codealign.nano.problems import Problem, full_solution
from codealign.nano.tasks import Task, sample_task
from codealign.params import Generation
from codealign.prefs.responses import split_response
from codealign.prompts import response_prompt
from codealign.records import seed_of
from codealign.sandbox import Call, Program, Result, Sandbox

GREEDY = Generation(temperature=0.0, max_new_tokens=256)
SAMPLED = Generation(temperature=0.8, max_new_tokens=256, batch_size=128)
STOPS = ("\ndef ", "\nclass ", "\nassert ", "\nprint(", "\nif __name__")


def open_folder(folder: Path | str) -> Any:
    """Return the generation engine of a model in a folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from codealign.generate.local import LocalEngine

    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return LocalEngine(model, AutoTokenizer.from_pretrained(folder))


def expected_outputs(found: Problem) -> list[Any]:
    """Return the canonical solution's results on base and plus inputs."""
    code, name = full_solution(found), found["entry_point"]
    given = found["base_input"] + found["plus_input"]
    return [inputs.call_code(code, name, row) for row in given]


def _right(result: Result, wanted: list[Any]) -> list[bool]:
    outputs = [o.value if not o.error else None for o in result.outputs]
    outputs += [None] * (len(wanted) - len(outputs))
    same = [type(o) is type(w) and o == w for o, w in zip(outputs, wanted, strict=True)]
    return same if result.verdict == "pass" else [False] * len(wanted)


def run_solutions(codes: list[str], found: list[Problem]) -> tuple[float, float]:
    """Return the shares of codes that pass their problem's base tests, and base and plus tests."""
    programs = []
    for code, item in zip(codes, found, strict=True):
        rows = copy.deepcopy(item["base_input"] + item["plus_input"])
        calls = [Call(item["entry_point"], row) for row in rows]
        programs.append(Program(item["task_id"], code, calls))
    base = plus = 0
    with Sandbox(preload=()) as sandbox:
        for result, item in zip(sandbox.run(programs), found, strict=True):
            right = _right(result, expected_outputs(item))
            base += all(right[: len(item["base_input"])])
            plus += all(right)
    return base / len(found), plus / len(found)


def _greedy(engine: Any, prompts: list[str], stops: tuple[str, ...] = ()) -> list[str]:
    items = [Request(str(i), prompt) for i, prompt in enumerate(prompts)]
    made = {c.id: c.text for c in generate(items, engine, GREEDY, stop=stops)}
    return [made[item.id] for item in items]


def completion_pass(engine: Any, found: list[Problem]) -> tuple[float, float]:
    """Return greedy pass@1 (base, base and plus) of a base model that completes the prompts."""
    prompts = [item["prompt"].strip() + "\n" for item in found]
    asserted = prompts[0].startswith('"""')
    texts = _greedy(engine, prompts, () if asserted else STOPS)
    return run_solutions([p + t for p, t in zip(prompts, texts, strict=True)], found)


def chat_pass(engine: Any, found: list[Problem]) -> tuple[float, float]:
    """Return greedy pass@1 (base, base and plus) of a chat model, asked as EvalPlus asks.

    The beginning of the answer, up to the opening of the code block, is given.
    """
    asked = [f"{ASK.format('')}\n```\n{p['prompt'].strip()}\n```\n" for p in found]
    given = f"{REPLY.format('')}```python\n"
    texts = _greedy(engine, [engine.chat(text) + given for text in asked], ("\n```",))
    return run_solutions([f"{text}\n" for text in texts], found)


def _truth_calls(task: Task, code: str, rng: random.Random) -> tuple[list[Call], list[Any]]:
    names = re.findall(r"^def (\w+)\(", code, re.MULTILINE)
    rows = [inputs.arguments(task, rng, size) for size in ("small", "small", "large") * 4]
    calls = [Call(names[-1] if names else task.name, row) for row in copy.deepcopy(rows)]
    return calls, [inputs.expected(task, row) for row in rows]


def sampled_tasks(count: int, seed: int) -> list[tuple[Task, str]]:
    """Return tasks like those of the pipeline (not held out), each with an instruction."""
    rng = random.Random(seed_of("sampled", seed))
    tasks = [sample_task(rng, held_out=False) for _ in range(count)]
    return [(task, instruction(task, rng, Wish())) for task in tasks]


def _verdicts(texts: list[str], tasks: list[Task]) -> tuple[list[bool], list[bool]]:
    """Return, for each answer, whether it passes its own tests and whether it is right."""
    own, truth, wanted = [], [], []
    for i, (text, task) in enumerate(zip(texts, tasks, strict=True)):
        code, tests = split_response(text)
        own.append(Program(f"own{i}", f"{code}\n{tests}" if "assert" in tests else "raise"))
        calls, results = _truth_calls(task, code, random.Random(i))
        truth.append(Program(f"truth{i}", code, calls))
        wanted.append(results)
    with Sandbox(preload=()) as sandbox:
        passed = [result.verdict == "pass" for result in sandbox.run(own)]
        right = [all(_right(r, w)) for r, w in zip(sandbox.run(truth), wanted, strict=True)]
    return passed, right


def sampling_shares(engine: Any, chat: bool, count: int = 60, n: int = 8) -> dict[str, float]:
    """Return how samples of responses fare at the pipeline's temperature.

    Returns
    -------
    own : share that pass their own tests. right : share that are right. right_if_own and
    own_if_right : the two conditional shares. mixed : share of instructions with both a passing
    and a failing response, by their own tests: those that give a preference pair.
    """
    pairs = sampled_tasks(count, seed=1)
    prompts = [engine.chat(text) if chat else response_prompt(text) for _, text in pairs]
    items = [Request(str(i), prompt) for i, prompt in enumerate(prompts)]
    made: dict[tuple[str, int], Completion] = {
        (c.id, c.index): c for c in generate(items, engine, SAMPLED, n)
    }
    texts = [made[item.id, index].text for item in items for index in range(n)]
    own, right = _verdicts(texts, [task for task, _ in pairs for _ in range(n)])
    both = sum(o and r for o, r in zip(own, right, strict=True))
    groups = [own[i : i + n] for i in range(0, len(own), n)]
    return {
        "own": sum(own) / len(own),
        "right": sum(right) / len(right),
        "right_if_own": both / max(1, sum(own)),
        "own_if_right": both / max(1, sum(right)),
        "mixed": sum(0 < sum(group) < n for group in groups) / len(groups),
    }
