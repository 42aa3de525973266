"""The command that looks at a model before hours are spent on it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from codealign.commands import AddCommand

if TYPE_CHECKING:
    from codealign.checks import CheckedModel

LONGEST = 192
"""Tokens of the one answer that a model is asked for."""


def add(command: AddCommand) -> None:
    """Add `check-model`."""
    sub = command("check-model", _check, "say in seconds what is wrong with a model, if anything")
    sub.add_argument("model", help="a name in params/models.yaml, a folder or a Hugging Face id")
    sub.add_argument(
        "--variant", choices=("pretrained", "finetuned"), help="default: those the model has"
    )
    sub.add_argument("--json", action="store_true", help="print one JSON object per variant")
    sub.add_argument(
        "--no-generate", action="store_true", help="do not load the weights for one short answer"
    )


def _check(args: argparse.Namespace) -> int:
    from codealign.checks import check, variants_of
    from codealign.registry import references

    (name,) = references([args.model])
    wrong = 0
    for variant in [args.variant] if args.variant else variants_of(name):
        checked = check(name, variant)
        if not (args.no_generate or checked.problems):
            checked.facts.append(_answer(name, variant))
        wrong += len(checked.problems)
        memory = _memory(name, checked)
        text = _plain(checked, memory) if args.json else _table(checked, memory)
        print("\n".join(text), flush=True)
    return 1 if wrong else 0


def _answer(name: str, variant: Any) -> Any:
    """Return how one short answer of the model ends."""
    from codealign import text
    from codealign.checks import BEGUN, TASK, Fact
    from codealign.generate import Request, generate, open_engine
    from codealign.models import uses_chat
    from codealign.params import Generation

    engine = open_engine("transformers", name, variant)
    chat = uses_chat(name, variant)
    asked = Request("check", engine.chat(TASK) if chat else BEGUN)
    settings = Generation(temperature=0.0, max_new_tokens=LONGEST, batch_size=1)
    (completion,) = generate([asked], engine, settings)
    answer = completion.text if len(completion.text) < 200 else f"{completion.text[:200]}..."
    ends = "stops" if completion.finish == "stop" else "is cut"
    ended = f"{ends} after {completion.tokens} tokens: {answer!r}"
    if completion.finish == "stop" or not chat:
        return Fact("answer", ended)
    end = engine.tokenizer.convert_ids_to_tokens(text.end_token(engine.tokenizer, chat))
    return Fact("answer", ended, f"it has not written {end!r}, which ends an answer by its chat "
                "template; check eos_token, and that the template is this model's own")  # fmt: skip


def _memory(name: str, checked: CheckedModel) -> dict[str, float]:
    """Return the GPU memory of each kind of work with the default settings, in GiB."""
    from codealign.workflow.memory import default_memory

    return default_memory(name, checked.shape) if checked.shape else {}


def _plain(checked: CheckedModel, memory: dict[str, float]) -> Iterator[str]:
    facts = {"model": checked.model, "variant": checked.variant, "where": checked.where}
    facts |= {"parameters": checked.parameters, "memory_gib": memory}
    facts |= {"facts": [asdict(f) for f in checked.facts], "problems": checked.problems}
    yield json.dumps(facts, ensure_ascii=False)


def _table(checked: CheckedModel, memory: dict[str, float]) -> Iterator[str]:
    yield f"{checked.model} {checked.variant}: {checked.where}"
    for fact in checked.facts:
        yield f"  {'wrong' if fact.problem else 'ok':6}{fact.name:15} {fact.found}"
    sizes = ", ".join(f"{kind} {size:.1f}" for kind, size in memory.items())
    needs = f"GPU memory, GiB: {sizes} (default settings)" if sizes else "not estimated for it"
    yield f"  {'':6}{'memory':15} {needs}"
    for problem in checked.problems:
        yield f"problem: {problem}"
    yield f"{len(checked.problems)} problems" if checked.problems else "no problems"
