"""Settings of stage 1, preference data."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from codealign.params.section import NEUTRAL, Generation, Section, Variant
from codealign.paths import NANO


class Hub(Section):
    """How a data set of source files is read (`corpus: hub:<name or folder>`)."""

    data_dir: str = Field("data/python", description="folder of the data set; empty: all of it")
    split: str = "train"
    revision: str = "main"
    column: str = Field("content", description="column with the text of a file")
    path_columns: list[str] = Field(
        default=["max_stars_repo_name", "max_stars_repo_path"],
        description="columns that name a file, as in The Stack; absent ones are left out",
    )
    files: int = Field(0, ge=0, description="first files only; 0: all")


def _findable(similarity: float) -> float:
    if not (0.01 <= similarity <= 0.98 or similarity == 1):
        raise ValueError("0.01 to 0.98 can be found by MinHash, 1 switches it off")
    return similarity


class Filters(Section):
    """Which functions become seeds, besides the fixed predicates of `prefs.filters`."""

    type_check: bool = Field(True, description="remove functions with a type error")
    benchmarks: list[str] = Field(
        default=["all"],
        description="benchmarks whose problems no seed may share text with; `all`: every one, "
        "whose public files must then be on this machine; the data card names those checked",
    )
    near_duplicates: Annotated[float, AfterValidator(_findable)] = Field(
        0.7,
        gt=0,
        le=1,
        description="Jaccard similarity of word 5-grams from which one of two functions is removed;"
        " 1: none (BigCode's near-deduplication of The Stack: 0.7 and 5)",
    )


class Checks(Section):
    """What the tests of a response must do for its pass to count (`prefs.checks`)."""

    mutants: int = Field(
        6, ge=0, description="wrong programs that they are tried on; 0: every pass counts"
    )
    noticed: float = Field(
        0.5, ge=0, le=1, description="share of the wrong programs that they must notice"
    )


DRAWN = ("random", "agreement", "hidden")
"""Rules that leave open which two responses of two sides make a pair."""


class Pairing(Section):
    """Which responses of an instruction make its pairs (`prefs.rules`)."""

    rule: Literal["random", "judge", "all", "best_worst", "agreement", "hidden"] = Field(
        "random",
        description="`random`: one that passed, one that failed (the paper); `all`: each that "
        "passed with each that failed; `judge`: the best and the worst rated of those that passed; "
        "`best_worst`: the best and the worst of all n, for BoNBoN; `agreement`: one of the "
        "largest set that agrees on each other's tests, one that fails these tests; `hidden`: one "
        "that passes the hidden tests of a known task (`prefs.tasks`), one that fails them",
    )
    draw: Literal["random", "closest"] = Field(
        "random",
        description="of rules `random`, `agreement` and `hidden`: any of the chosen and of the "
        "rejected side, or the two whose code is most alike",
    )
    tests: Literal["drop", "keep"] = Field(
        "drop", description="whether the responses' own tests stay in the chosen and the rejected"
    )
    judge: str = Field(
        "", description="rates responses to non-functional instructions, as `codal.judge`"
    )
    base_url: str = Field("", description="server of a judge that is a model's name")
    spend_limit: float = Field(
        0.0,
        ge=0,
        description="US dollars all judging of a run may cost; 0: no limit",
        json_schema_extra=NEUTRAL,
    )
    min_gap: float = Field(1.0, gt=0, description="least difference of two ratings (1 to 10)")
    max_pairs: int = Field(0, ge=0, description="of rule `all`, per instruction; 0: no limit")

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        """Refuse a draw that the rule would pass over in silence."""
        if self.draw != "random" and self.rule not in DRAWN:
            raise ValueError(
                f"rule {self.rule} draws nothing, so draw: {self.draw} has no effect; leave draw "
                f"out, or use rule {', '.join(DRAWN[:-1])} or {DRAWN[-1]}"
            )
        return self

    def asking(self) -> dict[str, Any]:
        """Return how a judge at a server is asked, as `judges.open_judge` takes it."""
        return {"base_url": self.base_url, "spend_limit": self.spend_limit}


class Prefs(Section):
    """Stage 1: preference data (paper, section 3.2)."""

    corpus: str = Field(
        "stdlib",
        description="`stdlib` (the running Python's library), a folder of Python source files, "
        "`hub:<data set>` or `nano` (functions of the embedded model's grammar)",
    )
    hub: Hub = Hub()
    filters: Filters = Filters()
    variant: Variant = Field("pretrained", description="the variant that writes the data")
    dimensions: list[str] = Field(
        default=[], description="entries of `params/dimensions.yaml` trained for beside CODAL's"
    )
    tasks: Literal["written", "grammar"] = Field(
        "written",
        description="`written`: the model writes an instruction for each seed; `grammar`: nano's "
        "grammar says the seed's task, which has hidden tests (corpus `nano`, functional)",
    )
    seeds: int = Field(300, ge=1, description="seed functions used")
    responses: int = Field(8, ge=2, description="sampled responses per instruction")
    templates: str = Field(
        "bare",
        description="`bare` (nano was trained on it), `few_shot` (worked examples, for other base "
        "models), `chat` (bare for a chat: the task is the message) or a folder with files of the "
        "same names",
    )
    chat: bool = Field(
        False, description="put every prompt into the model's chat template (a finetuned variant)"
    )
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    base_url: str = Field("", description="server of the openai engine")
    concepts: Generation = Generation(max_new_tokens=48)
    instructions: Generation = Generation(max_new_tokens=96)
    sampling: Generation = Generation(max_new_tokens=256)
    checks: Checks = Checks()
    pairs: Pairing = Pairing()
    workers: int = Field(1, ge=1, description="sandbox workers", json_schema_extra=NEUTRAL)
    cpu_s: float = Field(2.0, gt=0, description="CPU seconds a response may use when executed")
    sandbox: Literal["strong", "basic"] = Field(
        "strong", description="`basic` accepts weaker isolation where nothing stronger works"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse hidden tests where no task has any."""
        if self.tasks != "grammar" and self.pairs.rule == "hidden":
            raise ValueError(
                "pairs.rule hidden needs the hidden tests of known tasks; set tasks: grammar and "
                "corpus: nano"
            )
        if self.tasks == "grammar" and not self.embedded:
            raise ValueError(
                f"tasks grammar are those of corpus nano, not of {self.corpus}; set corpus: nano"
            )
        return self

    @property
    def embedded(self) -> bool:
        """Whether the corpus is the shipped one."""
        return self.corpus == NANO
