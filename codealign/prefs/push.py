"""Puts a preference data set on the Hugging Face hub: pairs, data card and counts."""

from __future__ import annotations

from pathlib import Path

from codealign.errors import CodealignError
from codealign.hub import upload

FILES = ("README.md", "pairs.jsonl", "card.json")


def push(folder: Path, repo: str, *, public: bool = False) -> str:
    """Write the pairs, their data card and its counts to a data set; return its address.

    What the pairs were made from (seeds, responses) stays here.

    Parameters
    ----------
    folder : of one model and requirement, e.g. runs/nano/prefs/nano/functional.
    repo : e.g. `me/nano-functional`; made if it is not there.
    public : anyone may read it; otherwise a new data set is private.

    Raises
    ------
    CodealignError
        The folder is not finished; nobody is logged in; the hub refuses or is not reached.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CodealignError(
            f"{folder}: no {', '.join(missing)}; finish notebook 01_preferences, then give the "
            "folder of one model and requirement"
        )
    done = upload(
        "push-pairs", folder, repo, "dataset", public=public, only=FILES, message="Preference pairs"
    )
    return f"{done.address} ({done.commit[:12]})"
