"""Commands around trained adapters: train one, merge it into its weights, publish it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from codealign.commands import AddCommand, adapter_folder, in_project
from codealign.paths import PROJECT


def add(command: AddCommand) -> None:
    """Add `train`, `merge` and `push-adapter`."""
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


def _add_adapter(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("adapter", help="a stage's folder in runs/<profile>/checkpoints/")
    sub.add_argument("--anyway", action="store_true", help="even if a gate has stopped it (R9)")


def _train(args: argparse.Namespace) -> int:
    from codealign.params import load_params

    file = in_project(args.params)
    load_params(file)
    print(f"project: {PROJECT}", file=sys.stderr)
    from codealign.workflow.training import train_stage

    result = train_stage(file, args.stage, args.model, args.variant, args.requirement)
    print(f"{args.stage}: {result.steps} steps, loss {result.loss:.4f}: {result.adapter}")
    return 0


def _merge(args: argparse.Namespace) -> int:
    adapter = adapter_folder(args.adapter)
    from codealign.workflow.adapters import merge_adapter

    print(f"wrote {merge_adapter(adapter, Path(args.out), args.anyway)}")
    return 0


def _push(args: argparse.Namespace) -> int:
    adapter = adapter_folder(args.adapter)
    from codealign.workflow.adapters import push_adapter

    print(push_adapter(adapter, args.repo, not args.public, args.anyway))
    return 0
