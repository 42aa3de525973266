"""Settings of stages 4 to 6, evaluation and survey."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from codealign.params.section import NEUTRAL, Once, Section, Some
from codealign.paths import NANO


class Functional(Section):
    """Stage 4: functional evaluation."""

    benchmarks: Annotated[list[str], Some] = Field(
        default=["humaneval", "mbpp", "evalperf", "evoeval"],
        description="the paper's, or entries of `params/benchmarks.yaml`",
    )
    data: Literal["nano", "public"] = Field("public", description="`nano`: the embedded problems")
    format: Literal["own", "completion", "instruction"] = Field(
        "own",
        description="how a problem is put: `own`: a chat model is asked, a base model completes; "
        "`completion` or `instruction` for both (a base model is asked in its training's template)",
    )
    limit: int = Field(0, ge=0, description="first problems only; 0: all")
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    cpu_s: float = Field(
        60.0, gt=0, le=86_400, description="CPU seconds the tests of a problem may use"
    )
    measure: Literal["auto", "instructions", "steps", "cpu"] = Field(
        "auto", description="what EvalPerf counts; auto: instructions or, without a counter, steps"
    )
    workers: int = Field(1, ge=1, le=1024, json_schema_extra=NEUTRAL)
    sandbox: Literal["strong", "basic"] = "strong"

    @property
    def embedded(self) -> bool:
        """Whether the problems are the shipped ones."""
        return self.data == NANO


class Codal(Section):
    """Stage 5: non-functional evaluation."""

    data: str = Field("coseal/codal-bench", description="`nano`, a hub data set or a local file")
    limit: int = Field(0, ge=0, description="first problems of each dimension only; 0: all")
    dimensions: Annotated[list[str], Once] = Field(
        default=[], description="entries of `params/dimensions.yaml` rated beside CODAL's"
    )
    judge: str = Field(
        "gpt-3.5-turbo",
        description="`static`, `local:<model>`, `python:<module>:<function>` or a model's name "
        "(`reasoning:<name>` for one that refuses max_tokens and temperature)",
    )
    second_judge: str = Field(
        "",
        description="another judge, to measure agreement; empty: none. `answer_first:<judge>` is "
        "the same judge with the reference behind the answer",
    )
    base_url: str = Field("", description="an OpenAI-compatible server; empty: OpenAI's own")
    max_new_tokens: int = Field(768, ge=1)
    batch_size: int = Field(64, ge=1)
    in_flight: int = Field(
        8, ge=1, le=1024, description="requests under way at once", json_schema_extra=NEUTRAL
    )
    judge_max_tokens: int = Field(
        0,
        ge=0,
        le=2**20,
        description="longest reply of a judge at a server, its thinking included; 0: 1024, of a "
        "`reasoning:<model>` 8192. More of it asks again only for replies that were cut",
    )
    batch: bool = Field(
        False,
        description="OpenAI's Batch API: half the price, up to 24 hours",
        json_schema_extra=NEUTRAL,
    )
    spend_limit: float = Field(
        0.0,
        ge=0,
        description="US dollars all judging of a run may cost; 0: no limit",
        json_schema_extra=NEUTRAL,
    )
    price_input: float = Field(
        0.0,
        ge=0,
        description="US dollars per million tokens sent; 0: `data/judge_prices.yaml`",
        json_schema_extra=NEUTRAL,
    )
    price_output: float = Field(
        0.0,
        ge=0,
        description="US dollars per million tokens received; 0: `data/judge_prices.yaml`",
        json_schema_extra=NEUTRAL,
    )

    def asking(self) -> dict[str, Any]:
        """Return how a judge at a server is asked, as `judges.open_judge` takes it."""
        names = ("base_url", "in_flight", "batch", "spend_limit")
        price = (self.price_input, self.price_output)
        more = {"price": price, "max_tokens": self.judge_max_tokens}
        return {**{name: getattr(self, name) for name in names}, **more}

    @property
    def embedded(self) -> bool:
        """Whether the problems are the shipped ones."""
        return self.data == NANO


class Survey(Section):
    """Stage 6: practitioner survey and judge agreement."""

    answers: str = Field("", description="CSV of survey answers; empty: the paper's shares")
    human_ratings: str = Field(
        "", description="CSV of human ratings, e.g. exported from the rating sheet; empty: none"
    )
    sheet_per_dimension: int = Field(
        40, ge=1, description="answers of each dimension on the rating sheet; the paper's 40"
    )
    bootstrap: int = Field(2000, ge=100, description="resamples of a bootstrap interval")
