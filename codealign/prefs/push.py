"""Puts a preference data set on the Hugging Face hub: pairs, data card and counts."""

from __future__ import annotations

from pathlib import Path

from codealign.errors import CodealignError

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
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not get_token():
        raise CodealignError(
            "push-pairs: not logged in; run `hf auth login` with a token that may write, or set "
            "HF_TOKEN"
        )
    api = HfApi()
    try:
        api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            repo_type="dataset",
            folder_path=folder,
            allow_patterns=list(FILES),
            commit_message="Preference pairs",
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        said = str(error).strip().split("\n")[-1]
        raise CodealignError(f"push-pairs: {repo}: {said}") from error
    return f"{api.endpoint}/datasets/{repo} ({done.oid[:12]})"
