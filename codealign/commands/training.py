"""Commands around what a run makes: train one stage; merge an adapter; publish adapters and pairs.

What they import takes seconds, so that it is imported where it is used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codealign.cell import Cell
from codealign.commands import AddCommand, in_project
from codealign.errors import CodealignError
from codealign.paths import PROJECT, RunPaths

if TYPE_CHECKING:
    from codealign.train.run import TrainResult


def add(command: AddCommand) -> None:
    """Add `train`, `merge`, `push-adapter` and `push-pairs`."""
    sub = command("train", _train, "train one stage of a run without its notebook, on any GPUs")
    sub.add_argument("params", help="profile, e.g. params/nano.yaml")
    sub.add_argument("stage", choices=("sft", "dpo", "bonbon"))
    sub.add_argument(
        "--model", required=True, help="as in the profile's models, or its short name there"
    )
    sub.add_argument("--variant", choices=("pretrained", "finetuned"), required=True)
    sub.add_argument(
        "--requirement", choices=("functional", "non_functional"), default="functional"
    )

    sub = command("merge", _merge, "write a model with a trained adapter merged into its weights")
    _add_adapter(sub)
    sub.add_argument("--out", required=True, help="folder to write the model to")

    sub = command("push-adapter", _push, "upload a trained adapter to the Hugging Face Hub")
    _add_adapter(sub)
    sub.add_argument("--repo", required=True, help="owner/name of the repository on the hub")
    sub.add_argument("--public", action="store_true", help="make the repository public")

    sub = command("push-pairs", _push_pairs, "put preference pairs on the Hugging Face hub")
    sub.add_argument("folder", help="e.g. runs/nano/prefs/nano/functional")
    sub.add_argument("--repo", required=True, help="data set to write, e.g. me/nano-functional")
    sub.add_argument("--public", action="store_true", help="anyone may read it (default: private)")


def _add_adapter(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("adapter", help="a stage's folder in runs/<profile>/checkpoints/")
    sub.add_argument("--anyway", action="store_true", help="even if a gate has stopped it (R9)")


def _train(args: argparse.Namespace) -> int:
    """Train a stage in as many processes as there are GPUs.

    Its notebook then finds the adapter finished and shows its curves.
    """
    from codealign.params import load_params

    file = in_project(args.params)
    params = load_params(file)
    print(f"project: {PROJECT}", file=sys.stderr)
    from codealign.registry import among
    from codealign.stages.align import run_align
    from codealign.stages.sft import run_sft
    from codealign.train import processes
    from codealign.workflow.context import open_stage

    sft = args.stage == "sft"
    given = (params.sft if sft else getattr(params.align, args.stage)).model_dump()
    where = {"variant": args.variant, "requirement": args.requirement}
    opened = open_stage(
        "02_sft" if sft else "03_align",
        among(params.models, args.model),
        given if sft else {args.stage: given},
        profile=params.profile,
        seed=params.seed,
        claim=processes.is_main(),
        **(where if sft else {**where, "stage": args.stage}),
    )
    processes.wait()  # until the main process has made the folder ready
    if processes.is_main():
        print(opened.checked, flush=True)
    result = (run_sft if sft else run_align)(opened.work)
    print(f"{args.stage}: {result.steps} steps, loss {result.loss:.4f}: {result.adapter}")
    return 0


def _merge(args: argparse.Namespace) -> int:
    adapter = adapter_folder(args.adapter)
    print(f"wrote {merge_adapter(adapter, Path(args.out), args.anyway)}")
    return 0


def _push(args: argparse.Namespace) -> int:
    adapter = adapter_folder(args.adapter)
    print(push_adapter(adapter, args.repo, not args.public, args.anyway))
    return 0


def _push_pairs(args: argparse.Namespace) -> int:
    from codealign.prefs.push import push

    print(f"pushed {push(Path(args.folder), args.repo, public=args.public)}")
    return 0


def adapter_folder(text: str) -> Path:
    """Return a trained adapter's folder, looked for like a run's.

    Raises
    ------
    CodealignError
        No finished adapter is there.
    """
    place, files = in_project(text), ("training.json", "adapter_model.safetensors")
    if not all((place / name).is_file() for name in files):
        raise CodealignError(f"{text}: no finished adapter here; train that stage first")
    return place


def merge_adapter(adapter: Path, out: Path, anyway: bool = False) -> Path:
    """Write a model with an adapter merged into its weights, and its tokenizer.

    The folder `out/<variant>` is a plain model; `out` can be named as a model in a profile. One
    trained in the plain format is written without a chat template, so that it is asked as it was
    trained, here and by other tools.

    Parameters
    ----------
    adapter : a stage's folder, with `training.json`.
    anyway : merge although the gate R9 stops it.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    CodealignError
        No finished adapter there; stopped by a gate; the folder is not empty.
    """
    from codealign.models import load, uses_chat

    result = _finished(adapter, anyway)
    folder = out / result.variant
    if folder.exists() and any(folder.iterdir()):
        raise CodealignError(f"{folder}: not empty; name another --out")
    model, tokenizer = load(result.model, result.variant, adapter, training=False)
    if not uses_chat(result.model, result.variant):
        tokenizer.chat_template = None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def push_adapter(adapter: Path, repo: str, private: bool = True, anyway: bool = False) -> str:
    """Upload an adapter's folder, its model card included, to the Hugging Face Hub.

    Parameters
    ----------
    adapter, anyway : as in `merge_adapter`.
    repo : owner/name; made if it is not there.
    private : whether a repository that is made is private.

    Returns
    -------
    str
        The commit's address.

    Raises
    ------
    CodealignError
        As `merge_adapter`; no token; the hub refused.
    """
    from codealign.hub import upload

    _finished(adapter, anyway)
    without = ["checkpoints/*", "tensorboard/*", ".made_from"]
    sent = upload("push-adapter", adapter, repo, "model", public=not private, without=without)
    return sent.commit_url


def _finished(adapter: Path, anyway: bool) -> TrainResult:
    from codealign.analysis.gating import failed_gates
    from codealign.train.run import read_result

    result = read_result(adapter)
    if result is None:
        raise CodealignError(f"{adapter}: no finished adapter here; train that stage first")
    for gate in failed_gates(_scores(adapter)):
        if gate.stops and not anyway:
            raise CodealignError(f"{adapter}: {gate}; --anyway if it is wanted all the same")
    return result


def _scores(adapter: Path) -> Path:
    """Return where a run keeps the scores of an adapter of its own; else the adapter's folder."""
    adapter = adapter.resolve()
    if [folder.name for folder in adapter.parents[3:4]] != ["checkpoints"]:
        return adapter
    part = adapter.parents[4]
    return RunPaths(part).evals(Cell.parse(adapter.relative_to(part).as_posix()))
