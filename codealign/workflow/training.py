"""One training stage of a run outside of its notebook, as several processes must have it.

The notebook of the stage then finds the adapter finished and shows its curves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from codealign.errors import CodealignError
from codealign.params import Align, Requirement, Sft, Variant, load_params
from codealign.records import Pair, read_jsonl
from codealign.registry import among
from codealign.train import processes
from codealign.train.align import train_align
from codealign.train.run import TrainResult
from codealign.train.sft import train_sft
from codealign.train.variations import used_pairs
from codealign.workflow.context import Context, open_job


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
    model = among(params.models, model)
    cell, run = (model, variant, requirement), f"runs/{params.profile}"
    notebook = "02_sft" if stage == "sft" else "03_align"
    name = cell if stage == "sft" else (*cell, stage)
    job = open_job(notebook, *name, profile=params.profile, run=run, seed=params.seed)
    if stage == "sft":
        settings = job.settings(Sft, "sft", params.sft.model_dump())
    else:
        own = {stage: getattr(params.align, stage).model_dump()}
        settings = getattr(job.settings(Align, "align", own), stage)
    if processes.is_main():
        print(job.check_model(variant), flush=True)
    source = job.paths.prefs(model, requirement) / "pairs.jsonl"
    if not source.exists():
        raise CodealignError(
            f"{source}: no preference pairs; run `codealign reproduce --params {params_file} "
            "--only preferences` first"
        )
    pairs = used_pairs(read_jsonl(source, Pair), settings, params.seed)
    sft = job.paths.checkpoint(*cell, "sft")
    from_sft = stage != "sft" and settings.start == "sft"
    out = job.paths.checkpoint(*cell, stage)
    _claim(job, out, [source, *([sft / "adapter_model.safetensors"] if from_sft else [])])
    if stage == "sft":
        return train_sft(pairs, model, variant, settings, out, params.seed)
    start = sft if from_sft else (model, variant)
    return train_align(pairs, start, stage, settings, out, params.seed)


def _claim(job: Context, out: Path, inputs: list[Path]) -> None:
    """Make the output folder the job's, as its notebook does; one process does it for all."""
    for path in inputs:
        if not path.exists():
            raise CodealignError(f"{path}: not there; train the stage before this one first")
    if processes.is_main():
        job.folder(out, inputs)
    processes.wait()
