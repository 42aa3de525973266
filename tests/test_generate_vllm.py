"""The vLLM engine: what it asks of vLLM, which needs a GPU and is stood in for here."""

from __future__ import annotations

import itertools
import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tiny import make_tiny, tiny_tokenizer

from codealign.errors import CodealignError
from codealign.generate import Completion, Engine, Request, generate, open_engine
from codealign.generate.vllm import lora_rank
from codealign.params import Generation
from codealign.records import seed_of

END = 260  # the id of <|end|>
SETTINGS = Generation(temperature=0.7, top_p=0.9, max_new_tokens=11)


class Llm:
    """Answers a prompt with its length in tokens, one per step, newest first; long ones are cut.

    Its own tokenizer garbles every text.
    """

    def __init__(self, **options: Any) -> None:
        self.options, self.added, self.aborted = options, [], []
        self.queue: list[tuple] = []
        self.model_config = SimpleNamespace(max_model_len=20)
        self.llm_engine = self

    def add_request(self, request_id: str, prompt: dict, params: dict, lora_request: Any) -> None:
        assert request_id not in [q[0] for q in self.queue]
        self.added.append((params, lora_request))
        self.queue.append((request_id, len(prompt["prompt_token_ids"])))

    def step(self) -> list:
        request_id, size = self.queue.pop()
        finish = "length" if size > 3 else "stop"
        ids = tiny_tokenizer()(str(size))["input_ids"] + [END] * (finish == "stop")
        sample = SimpleNamespace(text="garbled", finish_reason=finish, token_ids=ids)
        unfinished = SimpleNamespace(request_id="0", finished=False)
        return [
            unfinished,
            SimpleNamespace(request_id=request_id, finished=True, outputs=[sample]),
        ]

    def abort_request(self, ids: list[str]) -> None:
        self.aborted += ids
        self.queue = [q for q in self.queue if q[0] not in ids]


def adapter(folder: Path, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    names = ("vllm", "vllm.lora", "vllm.lora.request", "vllm.sampling_params")
    vllm, lora, request, sampling = map(ModuleType, names)
    sampling.RequestOutputKind = SimpleNamespace(FINAL_ONLY="final")
    vllm.__spec__ = ModuleSpec("vllm", None)
    vllm.LLM, vllm.SamplingParams = Llm, lambda **options: options
    request.LoRARequest = lambda *parts: parts
    for module in (vllm, lora, request, sampling):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    trained = adapter(tmp_path / "adapter", r=24)
    return open_engine("vllm", str(make_tiny(tmp_path)), "finetuned", str(trained))


def test_completions_come_back_under_their_ids(engine: Engine) -> None:
    found = list(generate([Request("a", "xyz"), Request("b", "wxyz")], engine, SETTINGS))
    assert found == [Completion("b", 0, "4", "length", 1), Completion("a", 0, "3", "stop", 2)]


def test_every_sample_is_asked_with_its_own_seed_and_the_settings(engine: Engine) -> None:
    list(generate([Request("a", "xyz")], engine, SETTINGS, 2, seed=5, stop=["#"]))
    common = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 11, "stop": ["#"]}
    common |= {"output_kind": "final", "stop_token_ids": [END]}
    sent = [params for params, _ in engine.engine.added]
    assert sent == [{**common, "seed": seed_of(5, "a", i)} for i in range(2)]


def test_a_stop_string_that_is_a_special_token_stops_by_its_id(engine: Engine) -> None:
    list(generate([Request("a", "xyz")], engine, SETTINGS, stop=["<|user|>"]))
    assert engine.engine.added[0][0]["stop_token_ids"] == [258, END]


def test_a_completion_is_cut_at_a_stop_string(engine: Engine) -> None:
    (found,) = generate([Request("a", "x" * 12)], engine, SETTINGS, stop=["2"])  # it answers 12
    assert (found.text, found.finish) == ("1", "stop")


def test_the_adapter_is_passed_on_with_room_for_its_rank(engine: Engine, tmp_path: Path) -> None:
    list(generate([Request("a", "xyz")], engine, SETTINGS))
    options = engine.engine.options
    assert (options["enable_lora"], options["max_lora_rank"]) == (True, 32)  # the rank is 24
    assert engine.engine.added[0][1] == ("adapter", 1, str(tmp_path / "adapter"))


@pytest.mark.parametrize(
    ("config", "wanted"),
    [({"r": 8}, 8), ({"r": 9}, 16), ({"r": 64}, 64), ({"r": 8, "rank_pattern": {"q": 100}}, 128)],
)
def test_the_largest_rank_is_the_least_that_vllm_takes(tmp_path, config, wanted) -> None:
    assert lora_rank(adapter(tmp_path / "adapter", **config)) == wanted


def test_a_rank_beyond_vllms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="rank 600 is above vLLM's largest, 512"):
        lora_rank(adapter(tmp_path / "adapter", r=600))


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="no adapter here"):
        lora_rank(tmp_path)


def test_jobs_are_handed_over_a_bounded_number_at_a_time(engine: Engine, monkeypatch) -> None:
    monkeypatch.setattr("codealign.generate.vllm.QUEUED", 3)
    items = (Request(str(i), "x") for i in itertools.count())
    found = list(itertools.islice(generate(items, engine, SETTINGS), 5))
    assert len(found) == 5
    assert len(engine.engine.added) <= 5 + 3


def test_an_abandoned_run_leaves_nothing_with_vllm(engine: Engine) -> None:
    made = generate([Request("a", "x"), Request("b", "x")], engine, SETTINGS)
    next(made)
    made.close()
    assert (engine.engine.queue, engine.engine.aborted) == ([], ["0"])


def test_a_prompt_that_fills_the_context_is_an_overflow(engine: Engine) -> None:
    found = list(generate([Request("a", "x" * 20), Request("b", "x")], engine, SETTINGS))
    assert [(c.id, c.finish) for c in found] == [("a", "overflow"), ("b", "stop")]


def test_a_chat_prompt_is_in_the_models_format(engine: Engine) -> None:
    assert engine.chat("Hi") == "<|user|>\nHi<|end|>\n<|assistant|>\n"
