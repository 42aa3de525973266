"""Uploads to the Hugging Face hub: one folder to one repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from codealign.errors import CodealignError


class Uploaded(NamedTuple):
    """Where an upload went: the repository's address, its commit's, and the commit's hash."""

    address: str
    commit_url: str
    commit: str


def upload(
    command: str,
    folder: Path,
    repo: str,
    kind: Literal["model", "dataset"],
    *,
    public: bool,
    only: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    message: str | None = None,
) -> Uploaded:
    """Upload a folder's files; the repository is made if it is not there.

    Parameters
    ----------
    command : the user's command, named in errors.
    repo : owner/name.
    public : anyone may read a repository that is made; otherwise it is private.
    only, without : patterns of the files that are sent, and of those that are not.
    message : of the commit; None takes the library's.

    Raises
    ------
    CodealignError
        Nobody is logged in; the hub refuses or is not reached.
    """
    import httpx
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not huggingface_hub.get_token():
        raise CodealignError(
            f"{command}: not logged in; run `hf auth login` with a token that may write, or set "
            "HF_TOKEN"
        )
    api = huggingface_hub.HfApi()
    try:
        api.create_repo(repo, repo_type=kind, private=not public, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            repo_type=kind,
            folder_path=folder,
            allow_patterns=only,
            ignore_patterns=without,
            commit_message=message,
        )
    except (httpx.TransportError, ConnectionError) as error:
        raise CodealignError(
            f"{command}: {repo}: the hub is not reached ({error}); fix the network, run again"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().split("\n")[-1]
        raise CodealignError(f"{command}: {repo}: {reason}") from error
    folders = {"model": "", "dataset": "datasets/"}
    return Uploaded(f"{api.endpoint}/{folders[kind]}{repo}", done.commit_url, done.oid)
