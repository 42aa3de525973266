"""Settings of stages 4 to 6, evaluation and survey."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from codealign.params.section import Section


class Functional(Section):
    """Stage 4: functional evaluation."""

    benchmarks: list[str] = Field(
        default=["humaneval", "mbpp", "evalperf", "evoeval"], description="as in the registry"
    )
    data: Literal["nano", "public"] = Field("public", description="`nano`: the embedded problems")
    limit: int = Field(0, ge=0, description="first problems only; 0: all")
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    cpu_s: float = Field(60.0, gt=0, description="CPU seconds the tests of a problem may use")
    workers: int = Field(1, ge=1)
    sandbox: Literal["strong", "basic"] = "strong"


class Codal(Section):
    """Stage 5: non-functional evaluation."""

    data: str = Field("coseal/codal-bench", description="`nano`, a hub data set or a local file")
    limit: int = Field(0, ge=0, description="first problems of each dimension only; 0: all")
    judge: str = Field("gpt-3.5-turbo", description="`static`, `local:<model>` or a model's name")
    second_judge: str = Field("", description="another judge, to measure agreement; empty: none")
    base_url: str = ""
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    in_flight: int = Field(8, ge=1, description="requests under way at once")


class Survey(Section):
    """Stage 6: practitioner survey and judge agreement."""

    answers: str = Field("", description="CSV of survey answers; empty: the paper's shares")
    human_ratings: str = Field("", description="CSV of human ratings; empty: none")
    bootstrap: int = Field(2000, ge=100, description="resamples of a bootstrap interval")
