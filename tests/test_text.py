"""A model's text with tokenizers of the study's families: the tokens it was trained on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny_tokenizer
from tiny_architectures import FORMATS, core_of, tokenizer, write_tokenizer

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import INSTRUCTION, RESPONSE, prompts_for
from codealign.text import (
    PROBES,
    answer_ids,
    answer_text,
    chat_answer,
    chat_prompt,
    decode,
    encode,
    end_token,
    end_tokens,
    garbled,
    load_tokenizer,
    special_stops,
)

KINDS = sorted(FORMATS)
CODE = "def f(x):\n    return x\n"
BLANK = "\u2581"  # how SentencePiece writes a blank


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Return what loads a family's tokenizer from a folder that has only config.json beside it."""
    made: dict[str, Any] = {}

    def loader(kind: str) -> Any:
        if kind not in made:
            folder = write_tokenizer(kind, tmp_path_factory.mktemp("made") / kind)
            model = {"model_type": "qwen2" if kind == "chatml" else "llama"}
            (folder / "config.json").write_text(json.dumps(model))
            made[kind] = load_tokenizer(str(folder))
        return made[kind]

    return loader


@pytest.fixture(params=KINDS)
def family(request: Any, load: Callable[[str], Any]) -> tuple[str, Any]:
    return request.param, load(request.param)


def wrapped(core: Any, folder: Path, template: str, **config: Any) -> str:
    """Write a tokenizer whose post-processor is `template`; return its folder."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    core.add_special_tokens(["<s>", "</s>"])
    ids = [(t, core.token_to_id(t)) for t in ("<s>", "</s>")]
    core.post_processor = processors.TemplateProcessing(template, special_tokens=ids)
    made = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")
    made.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return str(folder)


def test_what_is_read_comes_back(family: tuple[str, Any]) -> None:
    assert [decode(family[1], encode(family[1], text)) for text in PROBES] == list(PROBES)


def test_a_plain_prompt_starts_with_bos_exactly_where_it_was_trained(family) -> None:
    kind, tokens = family
    bos = {"llama-3": 1, "chatml": 0, "llama-2": 1, "deepseek-coder": 1}[kind]
    ids = encode(tokens, CODE)
    assert (ids.count(tokens.bos_token_id), ids[:1] == [tokens.bos_token_id]) == (bos, bool(bos))


def test_a_chat_prompt_has_bos_once(family: tuple[str, Any]) -> None:
    kind, tokens = family
    ids = encode(tokens, chat_prompt(tokens, "Hi"))
    assert ids.count(tokens.bos_token_id) == (0 if kind == "chatml" else 1)


def test_bos_stays_where_the_tokenizer_is_saved(family: tuple[str, Any], tmp_path: Path) -> None:
    family[1].save_pretrained(tmp_path)
    again = load_tokenizer(str(tmp_path))
    assert encode(again, CODE) == encode(family[1], CODE)


@pytest.mark.parametrize(
    ("template", "declared", "starts"),
    [
        ("<s> $A", {}, True), ("$A", {}, False), ("$A", {"add_bos_token": True}, True),
        ("<s> $A", {"add_bos_token": False}, False), ("<s> $A </s>", {}, True),
        ("$A </s>", {"add_eos_token": True}, False),
    ],
)  # fmt: skip
def test_bos_is_as_declared_or_as_the_post_processor_says_and_eos_never(
    tmp_path: Path, template: str, declared: dict[str, bool], starts: bool
) -> None:
    tokens = load_tokenizer(wrapped(core_of("chatml"), tmp_path, template, **declared))
    ids = encode(tokens, "ab")
    assert tokens.convert_ids_to_tokens(ids) == ["<s>"] * starts + ["a", "b"]


def test_a_tokenizer_that_adds_eos_adds_none_even_where_it_was_not_loaded_here() -> None:
    from tokenizers import processors

    tokens = tokenizer("llama-3")
    end = (tokens.eos_token, tokens.eos_token_id)
    tokens.backend_tokenizer.post_processor = processors.TemplateProcessing(
        f"$A {end[0]}", special_tokens=[end]
    )
    assert tokens("ab")["input_ids"][-1] == end[1]
    assert tokens.convert_ids_to_tokens(encode(tokens, "ab")) == ["a", "b"]


def test_deepseeks_tokenizer_keeps_its_blanks_in_a_folder_of_any_name(load) -> None:
    tokens = load("deepseek-coder")
    assert tokens.convert_ids_to_tokens(encode(tokens, "a b\n")) == [
        "<|begin|>",
        "a",
        "Ġ",
        "b",
        "Ċ",
    ]


def test_a_tokenizer_that_garbles_text_is_refused_with_both_texts(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    core = Tokenizer(models.BPE({"<unk>": 0, "a": 1, "d": 2}, [], unk_token="<unk>"))
    with pytest.raises(CodealignError, match=r"def f\(x\):.* comes back as .d <unk>"):
        load_tokenizer(wrapped(core, tmp_path, "<s> $A"))


def metaspace(scheme: str) -> Any:
    from tokenizers import decoders, pre_tokenizers

    core = core_of("llama-2")
    core.normalizer = None
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    blank, strip = decoders.Replace(BLANK, " "), decoders.Strip(" ", 1, 0)
    core.decoder = decoders.Sequence([blank, decoders.ByteFallback(), decoders.Fuse(), strip])
    return core


@pytest.mark.parametrize("scheme", ["first", "always"])
def test_metaspace_reads_leading_blanks_as_sentencepiece_does(tmp_path: Path, scheme: str) -> None:
    tokens = load_tokenizer(wrapped(metaspace(scheme), tmp_path, "<s> $A"))
    # the blank that stands before every text, the two of the text; the last one goes with its y
    assert tokens.convert_ids_to_tokens(encode(tokens, "  y")) == ["<s>", BLANK, BLANK, f"{BLANK}y"]
    assert garbled(tokens) is None


def test_codellamas_chat_prompts_begin_as_in_metas_code(load: Callable[[str], Any]) -> None:
    tokens = load("llama-2")
    ids = encode(tokens, chat_prompt(tokens, "Hi"))
    assert tokens.convert_ids_to_tokens(ids[:3]) == ["<s>", f"{BLANK}[", "<0x49>"]  # 49: I


def test_codellamas_chat_form_keeps_its_blank_in_the_text_and_leaves_it_to_the_answer(load) -> None:
    tokens = load("llama-2")
    prompt = chat_prompt(tokens, "Hi")
    assert prompt == "<s>[INST] Hi [/INST] "
    assert tokens.convert_ids_to_tokens(encode(tokens, prompt))[-1] == "<0x5D>"  # ]
    assert tokens.convert_ids_to_tokens(answer_ids(tokens, prompt, "y")) == [f"{BLANK}y"]


def test_indentation_at_a_prompts_end_stays_in_the_prompt(load: Callable[[str], Any]) -> None:
    tokens = load("llama-3")
    assert decode(tokens, encode(tokens, "def f():\n    ")) == "def f():\n    "
    assert decode(tokens, encode(tokens, "def f():\n ")) == "def f():\n "


@pytest.mark.parametrize("answer", ["yes", "  y", "\n\nyes", "yes \n", "[1]"])
def test_generated_ids_give_the_answer_back(family: tuple[str, Any], answer: str) -> None:
    for prompt in (chat_prompt(family[1], "Hi"), "Say: ", CODE):
        assert answer_text(family[1], prompt, answer_ids(family[1], prompt, answer)) == answer


def test_prompt_and_answer_are_the_tokens_of_the_whole_turn(family: tuple[str, Any]) -> None:
    tokens = family[1]
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "yes"}]
    whole = tokens.apply_chat_template(messages, tokenize=False)
    prompt = chat_prompt(tokens, "Hi")
    ids = [*encode(tokens, prompt), *answer_ids(tokens, prompt, chat_answer(tokens, "Hi", "yes"))]
    ids.append(end_token(tokens, chat=True))
    assert ids == encode(tokens, whole.rstrip("\n"))


def test_an_answer_is_written_as_the_chat_template_writes_it(family: tuple[str, Any]) -> None:
    wanted = {
        "llama-3": "yes", "chatml": "yes\n", "llama-2": "yes ", "deepseek-coder": "yes\n",
    }  # fmt: skip
    assert chat_answer(family[1], "Hi", "yes\n") == wanted[family[0]]


def test_what_stands_before_the_end_is_added_once(load: Callable[[str], Any]) -> None:
    assert chat_answer(load("deepseek-coder"), "Hi", "yes") == "yes\n"


def test_the_prompts_are_evalplus_own(family: tuple[str, Any]) -> None:
    from evalplus.provider.utility import make_raw_chat_prompt

    problem = Problem("T/0", "f", '\ndef f(x):\n    """Add one."""\n', "", [])
    (asked,) = prompts_for({"T/0": problem}, lambda text: chat_prompt(family[1], text))
    assert asked.prompt == make_raw_chat_prompt(problem.prompt, INSTRUCTION, RESPONSE, family[1])


def test_generation_stops_at_the_token_learned_and_at_those_declared(family) -> None:
    tokens = family[1]
    assert tokens.convert_ids_to_tokens(end_token(tokens, chat=True)) == FORMATS[family[0]][0]
    assert end_tokens(tokens, [3, 5]) == {3, 5, end_token(tokens, True), tokens.eos_token_id}


def test_the_turns_end_is_learned_where_eos_is_another_token() -> None:
    tokens = tokenizer("llama-3")
    tokens.eos_token = "<|end_header_id|>"  # as in Llama-3's first files: eos is not <|eot_id|>
    ends = end_token(tokens, chat=True), end_token(tokens, chat=False)
    assert tokens.convert_ids_to_tokens(ends) == ["<|eot_id|>", "<|end_header_id|>"]
    assert set(ends) <= end_tokens(tokens, None)


def test_a_tokenizer_without_an_end_token_cannot_be_trained_with() -> None:
    tokens = tiny_tokenizer("pretrained")
    tokens.eos_token = None
    with pytest.raises(CodealignError, match="no end token.*set eos_token"):
        end_token(tokens, chat=False)


def test_only_special_tokens_among_the_stop_strings_stop_by_their_id() -> None:
    tokens = tiny_tokenizer("pretrained")
    found = special_stops(tokens, ["\nprint(", "<|user|>", "</s>"])
    assert tokens.convert_ids_to_tokens(sorted(found)) == ["<|user|>"]


def test_a_base_model_has_no_chat_prompt() -> None:
    with pytest.raises(CodealignError, match="use a finetuned variant"):
        chat_prompt(tiny_tokenizer("pretrained"), "Hi")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ messages[0]['content'] }}", "does not write an assistant's turn"),
        ("{{ raise_exception('one message only') }}", "and its answer .one message only"),
    ],
)
def test_a_chat_template_without_an_assistants_turn_is_refused_where_it_is_used(
    template: str, words: str
) -> None:
    tokens = tiny_tokenizer("finetuned")
    tokens.chat_template = template
    assert end_tokens(tokens, None) == {tokens.eos_token_id}
    with pytest.raises(CodealignError, match=words):
        chat_prompt(tokens, "Hi")
