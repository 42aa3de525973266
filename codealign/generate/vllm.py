"""Generation with vLLM in this process (a GPU machine; `pip install vllm` beside the lock file)."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.generate import Completing, Completion, cut_at_stop
from codealign.models import check_adapter, quiet_environment, source
from codealign.params import Generation, Variant
from codealign.text import (
    answer_text,
    chat_prompt,
    encode,
    end_tokens,
    load_tokenizer,
    special_stops,
)

QUEUED = 2048  # requests handed to vLLM at once: more than it runs together, yet bounded
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values that vLLM takes for `max_lora_rank`."""


class VllmEngine:
    """Completes prompts with vLLM; arguments as in `models.load`.

    Every sample is sent with its own seed. vLLM documents that a seeded request repeats on the
    same version and hardware; it does not promise the same sample in another batch. Prompts go in
    as ids and completions come out of ids, by the tokenizer with which the model is trained here,
    not by vLLM's own.
    """

    def __init__(self, name: str, variant: Variant, adapter: Path | str | None = None) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise CodealignError(
                "engine vllm: vLLM is not installed; `pip install vllm` on a Linux machine with "
                "an NVIDIA GPU (in an environment of its own if its torch differs from the lock "
                "file's), or set engine: transformers"
            )
        quiet_environment()
        import vllm
        from vllm.lora.request import LoRARequest

        where, revision = source(name, variant)
        if adapter:
            check_adapter(adapter, name, variant)
        lora = {"enable_lora": True, "max_lora_rank": lora_rank(adapter)} if adapter else {}
        self.engine = vllm.LLM(model=where, revision=revision, **lora)
        self.tokenizer = load_tokenizer(where, revision)
        self.ends = end_tokens(self.tokenizer, None)
        self.context: int = self.engine.llm_engine.model_config.max_model_len
        self.adapter = LoRARequest("adapter", 1, str(adapter)) if adapter else None

    def chat(self, content: str) -> str:
        """Return the prompt text for one user message, in the model's chat format."""
        return chat_prompt(self.tokenizer, content)

    def complete(
        self, jobs: Iterable[Completing], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield each completion when vLLM has finished it; `QUEUED` jobs are in its hands."""
        engine, source = self.engine.llm_engine, enumerate(jobs)
        waiting: dict[str, Completing] = {}
        try:
            while True:
                for number, job in islice(source, QUEUED - len(waiting)):
                    prompt = encode(self.tokenizer, job.prompt)
                    if len(prompt) >= self.context:
                        yield Completion(job.id, job.index, "", "overflow")
                        continue
                    waiting[str(number)] = job
                    engine.add_request(
                        str(number),
                        {"prompt_token_ids": prompt},
                        self._params(job, settings, stop),
                        lora_request=self.adapter,
                    )
                if not waiting:
                    return
                for output in engine.step():
                    if output.finished:
                        yield self._completion(waiting.pop(output.request_id), output, stop)
        finally:
            if waiting:
                engine.abort_request(list(waiting))

    def _params(self, job: Completing, settings: Generation, stop: Sequence[str]) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_new_tokens,
            seed=job.seed,
            stop=list(stop),
            stop_token_ids=sorted(self._ends(stop)),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _completion(self, job: Completing, output: Any, stop: Sequence[str]) -> Completion:
        best = output.outputs[0]
        ids = list(best.token_ids)
        ended = bool(ids) and ids[-1] in self._ends(stop)
        text = answer_text(self.tokenizer, job.prompt, ids[:-1] if ended else ids)
        cut = cut_at_stop(text, stop)
        finish = "length" if best.finish_reason == "length" and cut is None else "stop"
        return Completion(job.id, job.index, text if cut is None else cut, finish, len(ids))

    def _ends(self, stop: Sequence[str]) -> frozenset[int]:
        return self.ends | special_stops(self.tokenizer, stop)


def lora_rank(adapter: Path | str) -> int:
    """Return the `max_lora_rank` that an adapter needs: vLLM's own default is 16.

    Raises
    ------
    CodealignError
        No adapter in the folder, or one of a rank that vLLM cannot serve.
    """
    file = Path(adapter) / "adapter_config.json"
    if not file.exists():
        raise CodealignError(f"{adapter}: no adapter here; train that stage first")
    config = json.loads(file.read_text(encoding="utf-8"))
    rank = max([config["r"], *(config.get("rank_pattern") or {}).values()])
    if rank > LORA_RANKS[-1]:
        raise CodealignError(
            f"{file}: rank {rank} is above vLLM's largest, {LORA_RANKS[-1]}; "
            "set engine: transformers"
        )
    return next(r for r in LORA_RANKS if r >= rank)
