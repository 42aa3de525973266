"""What can be known of a model before hours are spent on it: tokens, prompts, tensors, dimensions.

In seconds, from small files and the headers of the weights, which themselves are not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from codealign import text, weights
from codealign.errors import CodealignError
from codealign.params import Variant
from codealign.paths import short_name
from codealign.registry import (
    check_variants,
    has_chat_template,
    read_config,
    source,
    spec,
    stored_parameters,
    weights_here,
)
from codealign.shapes import Shape, shape_in

TASK = "Write a Python function `add(a, b)` that returns the sum of two numbers."
BEGUN = "def add(a, b):\n    return"
SHOWN = 6
"""Tokens shown at each end of the example."""


@dataclass(frozen=True)
class Fact:
    """One thing looked at: what was found, and what is wrong with it and to be done (or "")."""

    name: str
    found: str
    problem: str = ""


@dataclass(frozen=True)
class CheckedModel:
    """A variant of a model with all that was looked at; `shape` is None if it is not known."""

    model: str
    variant: Variant
    where: str
    facts: list[Fact]
    shape: Shape | None
    parameters: int

    @property
    def problems(self) -> list[str]:
        """What is wrong, one line each, with what to do."""
        return [f"{fact.name}: {fact.problem}" for fact in self.facts if fact.problem]

    def line(self) -> str:
        """Return the gist in one line, for a job's log."""
        findings = {fact.name: fact.found for fact in self.facts}
        return f"{self.model} {self.variant}: {findings['architecture']}; asked {findings['asked']}"

    def require(self) -> None:
        """Refuse a model with problems.

        Raises
        ------
        CodealignError
            Names each problem on a line of its own.
        """
        if self.problems:
            listed = "\n".join(f"  {problem}" for problem in self.problems)
            raise CodealignError(f"{self.model} {self.variant} ({self.where}):\n{listed}")


def variants_of(name: str) -> list[Variant]:
    """Return the variants to check of a model: those it has.

    One set of weights is looked at as what it seems to be: fine-tuned if it brings a chat template.
    """
    entry = spec(name)
    variants: list[Variant] = ["pretrained", "finetuned"] if entry.embedded else list(entry.hub)
    try:
        check_variants(name, variants)
    except CodealignError:
        where, revision = source(name, "finetuned")
        return ["finetuned" if has_chat_template(where, revision) else "pretrained"]
    return variants


def check(name: str, variant: Variant) -> CheckedModel:
    """Return what can be known of a model.

    Parameters
    ----------
    name, variant : as in `models.load`.

    Raises
    ------
    CodealignError
        There is no such model, or its configuration is unavailable; whatever else is wrong is in
        the facts.
    """
    weights.quiet_environment()
    where, revision = source(name, variant)
    config = read_config(where, revision)
    shape = shape_in(config)
    try:
        stored = stored_parameters(where)
    except CodealignError:  # `_tensors` reports what is wrong with the file
        stored = 0
    parameters = stored or (shape.parameters if shape else 0)
    facts = [Fact("architecture", _dimensions(config, shape, parameters))]
    facts += _tensors(name, where, revision, config)
    facts += _text(name, variant, where, revision, config)
    return CheckedModel(short_name(name), variant, where, facts, shape, parameters)


def _dimensions(config: dict[str, Any], shape: Shape | None, parameters: int) -> str:
    parts = [str(config.get("model_type", "unknown"))]
    if shape:
        heads = f"{shape.heads} heads ({shape.kv_heads} for keys)"
        parts += [f"{shape.layers} layers", f"width {shape.hidden}", heads]
    if "vocab_size" in config:
        parts.append(f"vocabulary {config['vocab_size']:,}")
    if length := config.get("max_position_embeddings") or config.get("n_positions"):
        parts.append(f"context {length:,}")
    if parameters:
        parts.append(f"{parameters:,} parameters")
    return ", ".join(parts)


def _tensors(name: str, where: str, revision: str | None, config: dict[str, Any]) -> Iterator[Fact]:
    """Yield what the weights' headers tell, and which layers an adapter would have."""
    yield _tried("tensors", lambda: _whole(where, revision))
    yield _tried("LoRA", lambda: _targets(spec(name).target_modules, where, revision))
    tied = config.get("tie_word_embeddings", False)
    yield Fact("head", "the embedding's own weights (tied)" if tied else "weights of its own")


def _tried(name: str, look: Callable[[], Fact]) -> Fact:
    try:
        return look()
    except Exception as error:  # broken files make the libraries raise whatever they like
        return Fact(name, "cannot be told", " ".join(f"{error}".split()) or type(error).__name__)


def _whole(where: str, revision: str | None) -> Fact:
    if not weights_here(where, revision):
        return Fact("tensors", "not fetched yet, and so not looked at")
    stored_parameters(where)  # names a file that is cut short, which the library does not
    weights.check_tensors(where, revision)
    return Fact("tensors", "none missing, none left over, all of the right shape")


def _targets(wanted: list[str], where: str, revision: str | None) -> Fact:
    """Return how many layers get an adapter; each module named must be there."""
    from torch import nn

    model = weights.skeleton(where, revision)
    head = model.get_output_embeddings()
    linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear) and m is not head]
    ends = [layer.rsplit(".", 1)[-1] for layer in linear]
    if absent := [module for module in wanted if module not in ends]:
        remedy = f"name layers that it has as target_modules: {', '.join(dict.fromkeys(ends))}"
        return Fact("LoRA", "no such layers", f"no layer {', '.join(absent)}; {remedy}")
    chosen = [end for end in ends if not wanted or end in wanted]
    return Fact("LoRA", f"{len(chosen)} layers: {', '.join(dict.fromkeys(chosen))}")


def _text(
    name: str, variant: Variant, where: str, revision: str | None, config: dict[str, Any]
) -> Iterator[Fact]:
    """Yield what becomes of a prompt: tokenizer, special tokens, format, an example's tokens."""
    try:
        tokenizer = text.load_tokenizer(where, revision)
    except Exception as error:  # as in `_tried`
        reason = " ".join(str(error).split())
        yield Fact("asked", "not at all")
        yield Fact(
            "tokenizer", "cannot be used", f"{reason} (files: tokenizer.json and its config)"
        )
        return
    kind = type(tokenizer).__name__
    yield Fact("tokenizer", f"{kind}, {len(tokenizer):,} tokens; gives back indentation, tabs, "
               "blank lines, numbers and letters beyond ASCII")  # fmt: skip
    chat = variant in spec(name).chat
    yield _tried("special tokens", lambda: _special(tokenizer, chat, config))
    yield _asked(name, variant, tokenizer)
    if not chat or tokenizer.chat_template:
        yield _tried("example", lambda: _example(tokenizer, chat, config))


def _special(tokenizer: Any, chat: bool, config: dict[str, Any]) -> Fact:
    start = "added to a plain prompt" if text.starts_with_bos(tokenizer) else "not added"
    bos = f"BOS {tokenizer.bos_token!r} ({start})" if tokenizer.bos_token else "no BOS"
    end = text.end_token(tokenizer, chat and bool(tokenizer.chat_template))
    ends = f"{bos}, answers end with {tokenizer.convert_ids_to_tokens(end)!r}"
    ends += f", EOS {tokenizer.eos_token!r}, pad {tokenizer.pad_token!r}"
    size = config.get("vocab_size", 0)
    special = (tokenizer.bos_token_id, end, tokenizer.eos_token_id, tokenizer.pad_token_id)
    if size and any(token is not None and token >= size for token in special):
        remedy = "take the tokenizer that belongs to these weights"
        return Fact("special tokens", ends, f"an id beyond the {size:,} embedded ones; {remedy}")
    return Fact("special tokens", ends)


def _asked(name: str, variant: Variant, tokenizer: Any) -> Fact:
    """Return how the variant is asked, and why."""
    entry, has = spec(name), bool(tokenizer.chat_template)
    if variant not in entry.chat:
        why = "as a pretrained variant" if variant == "pretrained" else "as models.yaml says"
        return Fact("asked", f"plainly, {why}{', though it has a chat template' * has}")
    how = f"through its chat template, as a {variant} variant"
    if not has:
        remedy = (
            "put the model's own chat_template.jinja beside its tokenizer, ask it plainly as "
            "`pretrained`, or register it in params/models.yaml with `chat: []`"
        )
        return Fact("asked", how, f"there is no chat template; {remedy}")
    return _tried("asked", lambda: _formatted(entry.chat_format, tokenizer, name, how))


def _formatted(chat_format: str, tokenizer: Any, name: str, how: str) -> Fact:
    text.check_chat_format(tokenizer, chat_format, short_name(name))
    known = [f for f, mark in text.CHAT_MARKS.items() if mark in tokenizer.chat_template]
    return Fact("asked", f"{how} ({(known or ['a format of its own'])[0]})")


def _example(tokenizer: Any, chat: bool, config: dict[str, Any]) -> Fact:
    """Return a prompt as the model gets it, with the tokens at both its ends and the answer's."""
    prompt = text.chat_prompt(tokenizer, TASK) if chat else BEGUN
    answer = text.chat_answer(tokenizer, TASK, f"{BEGUN} a + b") if chat else " a + b"
    ids = text.encode(tokenizer, prompt)
    added = [*text.answer_ids(tokenizer, prompt, answer), text.end_token(tokenizer, chat)]
    shown = f"{prompt!r} -> {_tokens(tokenizer, ids)}; then {_tokens(tokenizer, added)}"
    size = config.get("vocab_size", 0)
    if size and (beyond := [i for i in (*ids, *added) if i >= size]):
        remedy = "take the tokenizer that belongs to these weights"
        return Fact("example", shown, f"id {beyond[0]} is beyond the {size:,} embedded; {remedy}")
    return Fact("example", shown)


def _tokens(tokenizer: Any, ids: list[int]) -> str:
    names = tokenizer.convert_ids_to_tokens(ids)
    if len(names) > 2 * SHOWN + 1:
        names = [*names[:SHOWN], f"... {len(names) - 2 * SHOWN} more ...", *names[-SHOWN:]]
    return " ".join(names)
