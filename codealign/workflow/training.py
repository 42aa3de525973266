"""One training stage of a run outside of its notebook, as several processes must have it.

The notebook of the stage then finds the adapter finished and shows its curves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from codealign.params import Requirement, Variant, load_params
from codealign.registry import among
from codealign.stages.align import run_align
from codealign.stages.sft import run_sft
from codealign.train import processes
from codealign.train.run import TrainResult
from codealign.workflow.context import open_stage


def train_stage(
    params_file: Path,
    stage: Literal["sft", "dpo", "bonbon"],
    model: str,
    variant: Variant,
    requirement: Requirement,
) -> TrainResult:
    """Train one stage of a profile's run, on that run's preference data.

    Parameters
    ----------
    params_file : e.g. `params/nano.yaml`; its seed and the stage's settings are used.
    model : as in the profile's `models`, or the short name of one of them.

    Raises
    ------
    CodealignError
        The run has no preference pairs, or no SFT adapter to align; or as the training does.
    """
    params = load_params(params_file)
    sft = stage == "sft"
    given = params.sft if sft else getattr(params.align, stage)
    where = {"variant": variant, "requirement": requirement, **({} if sft else {"stage": stage})}
    opened = open_stage(
        "02_sft" if sft else "03_align",
        among(params.models, model),
        given.model_dump() if sft else {stage: given.model_dump()},
        profile=params.profile,
        seed=params.seed,
        claim=processes.is_main(),
        **where,
    )
    processes.wait()  # until the main process has made the folder ready
    if processes.is_main():
        print(opened.checked, flush=True)
    return (run_sft if sft else run_align)(opened.work)
