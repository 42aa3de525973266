"""Generation with vLLM in this process (a GPU machine; `pip install vllm` beside the lock file)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from codealign.errors import CodealignError
from codealign.generate import Completion, Job
from codealign.models import chat_prompt, encode, quiet_environment, source
from codealign.params import Generation, Variant


class VllmEngine:
    """Completes prompts with vLLM; arguments as in `models.load`.

    Every sample is sent with its own seed. vLLM documents that a seeded request repeats on the
    same version and hardware; it does not promise the same sample in another batch.
    """

    def __init__(self, name: str, variant: Variant, adapter: Path | str | None = None) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise CodealignError(
                "engine vllm: vLLM is not installed; `pip install vllm` on a GPU machine, or set "
                "engine: transformers"
            )
        quiet_environment()
        import vllm
        from vllm.lora.request import LoRARequest

        where, revision = source(name, variant)
        self.engine = vllm.LLM(model=where, revision=revision, enable_lora=adapter is not None)
        self.tokenizer = self.engine.get_tokenizer()
        self.context: int = self.engine.llm_engine.model_config.max_model_len
        self.adapter = LoRARequest("adapter", 1, str(adapter)) if adapter else None

    def chat(self, content: str) -> str:
        """Return the prompt text for one user message, in the model's chat format."""
        return chat_prompt(self.tokenizer, content)

    def complete(
        self, jobs: Sequence[Job], settings: Generation, stop: Sequence[str]
    ) -> Iterator[Completion]:
        """Yield one completion a job; vLLM schedules all of them itself."""
        from vllm import SamplingParams

        prompts = [{"prompt_token_ids": encode(self.tokenizer, job.prompt)} for job in jobs]
        fits = []
        for job, prompt in zip(jobs, prompts, strict=True):
            if len(prompt["prompt_token_ids"]) < self.context:
                fits.append((job, prompt))
            else:
                yield Completion(job.id, job.index, "", "overflow")
        params = [
            SamplingParams(
                temperature=settings.temperature,
                top_p=settings.top_p,
                max_tokens=settings.max_new_tokens,
                seed=job.seed,
                stop=list(stop),
            )
            for job, _ in fits
        ]
        outputs = self.engine.generate([p for _, p in fits], params, lora_request=self.adapter)
        for (job, _), output in zip(fits, outputs, strict=True):
            best = output.outputs[0]
            finish = "length" if best.finish_reason == "length" else "stop"
            yield Completion(job.id, job.index, best.text, finish, len(best.token_ids))
