"""What is done with a finished adapter outside of a run: merging, publishing."""

from __future__ import annotations

from pathlib import Path

from codealign.analysis.gating import failed_gates
from codealign.cell import Cell
from codealign.errors import CodealignError
from codealign.hub import upload
from codealign.models import load, uses_chat
from codealign.paths import RunPaths
from codealign.train.run import TrainResult, read_result


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
    _finished(adapter, anyway)
    without = ["checkpoints/*", "tensorboard/*", ".made_from"]
    sent = upload(
        "push-adapter",
        adapter,
        repo,
        "model",
        public=not private,
        without=without,
        lacking="no Hugging Face token",
    )
    return sent.commit_url


def _finished(adapter: Path, anyway: bool) -> TrainResult:
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
