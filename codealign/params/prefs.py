"""Settings of stage 1, preference data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from codealign.params.section import Generation, Section, Variant


class Prefs(Section):
    """Stage 1: preference data (paper, section 3.2)."""

    corpus: str = Field("nano", description="`nano`, `stdlib` or a folder of Python source files")
    variant: Variant = Field("pretrained", description="the variant that writes the data")
    seeds: int = Field(300, ge=1, description="seed functions used")
    responses: int = Field(8, ge=2, description="sampled responses an instruction")
    shots: int = Field(0, ge=0, le=2, description="worked examples before each prompt")
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    base_url: str = Field("", description="server of the openai engine")
    concepts: Generation = Generation(max_new_tokens=48)
    instructions: Generation = Generation(max_new_tokens=96)
    sampling: Generation = Generation(max_new_tokens=256)
    cpu_s: float = Field(2.0, gt=0, description="CPU seconds a response may use when executed")
    sandbox: Literal["strong", "basic"] = Field(
        "strong", description="`basic` accepts weaker isolation where nothing stronger works"
    )
