"""Stage 3: alignment with DPO or BoNBoN, from the SFT model and against it (paper, section 3)."""

from __future__ import annotations

from codealign.records import Pair, read_jsonl
from codealign.stages.job import StageJob
from codealign.train.align import train_align
from codealign.train.data import used_pairs
from codealign.train.run import TrainResult


def run_align(job: StageJob) -> TrainResult:
    """Train a model further on the job's pairs by the technique of its stage; continue if cut."""
    pairs = used_pairs(read_jsonl(job.pairs, Pair), job.settings, job.seed)
    start = job.adapter or (job.model, job.cell.variant)
    return train_align(pairs, start, job.cell.stage, job.settings, job.folder, job.seed)
