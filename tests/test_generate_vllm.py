"""The vLLM engine: what it asks of vLLM, which needs a GPU and is stood in for here."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tiny import make_tiny, tiny_tokenizer

from codealign.generate import Completion, Engine, Request, generate, open_engine
from codealign.params import Generation
from codealign.records import seed_of

SETTINGS = Generation(temperature=0.7, top_p=0.9, max_new_tokens=11)


class Llm:
    """Answers every prompt with its length in tokens; the last one is cut."""

    def __init__(self, **options: Any) -> None:
        self.options, self.calls = options, []
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=20))

    def get_tokenizer(self) -> Any:
        return tiny_tokenizer("finetuned")

    def generate(self, prompts: list, params: list, lora_request: Any) -> list:
        self.calls.append((prompts, params, lora_request))
        texts = [str(len(p["prompt_token_ids"])) for p in prompts]
        finishes = ["stop"] * (len(texts) - 1) + ["length"]
        return [
            SimpleNamespace(outputs=[SimpleNamespace(text=t, finish_reason=f, token_ids=[1, 2])])
            for t, f in zip(texts, finishes, strict=True)
        ]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    vllm, lora, request = (ModuleType(n) for n in ("vllm", "vllm.lora", "vllm.lora.request"))
    vllm.__spec__ = ModuleSpec("vllm", None)
    vllm.LLM, vllm.SamplingParams = Llm, lambda **options: options
    request.LoRARequest = lambda *parts: parts
    for module in (vllm, lora, request):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return open_engine("vllm", str(make_tiny(tmp_path)), "finetuned", "/some/adapter")


def test_completions_come_back_under_their_ids(engine: Engine) -> None:
    found = list(generate([Request("a", "xyz"), Request("b", "x")], engine, SETTINGS))
    assert found == [Completion("a", 0, "3", "stop", 2), Completion("b", 0, "1", "length", 2)]


def test_every_sample_is_asked_with_its_own_seed_and_the_settings(engine: Engine) -> None:
    list(generate([Request("a", "xyz")], engine, SETTINGS, 2, seed=5, stop=["#"]))
    _, params, _ = engine.engine.calls[0]
    common = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 11, "stop": ["#"]}
    assert params == [{**common, "seed": seed_of(5, "a", i)} for i in range(2)]


def test_the_adapter_is_passed_on(engine: Engine) -> None:
    list(generate([Request("a", "xyz")], engine, SETTINGS))
    assert engine.engine.options["enable_lora"] is True
    assert engine.engine.calls[0][2] == ("adapter", 1, "/some/adapter")


def test_a_prompt_that_fills_the_context_is_an_overflow(engine: Engine) -> None:
    found = list(generate([Request("a", "x" * 20), Request("b", "x")], engine, SETTINGS))
    assert [(c.id, c.finish) for c in found] == [("a", "overflow"), ("b", "length")]


def test_a_chat_prompt_is_in_the_models_format(engine: Engine) -> None:
    assert engine.chat("Hi") == "<|user|>\nHi<|end|>\n<|assistant|>\n"
