"""A notebook on Google Colab: GPU, drive, the packages that Colab lacks, and what it will take.

Only `prepare` is called, from the cell that a notebook opens with, before anything else of the
package is imported: nothing here may load `codealign.paths` until the project folder is known.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module, invalidate_caches, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from codealign.errors import CodealignError
from codealign.workflow.environment import DRIVER, NO_TELEMETRY

if TYPE_CHECKING:
    from codealign.params import Params

PROFILE = "colab_t4"
MOUNT = "/content/drive"
OWN = (
    "torch", "triton", "numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "matplotlib",
    "pydantic", "pyyaml", "psutil", "tqdm", "pygments", "markdown-it-py", "huggingface-hub",
    "safetensors",
)  # fmt: skip
"""Colab's own packages: kept in their version as long as the locked packages accept it."""
DRIVERS = (
    "jupyterlab", "papermill", "nbclient", "nbconvert", "snakemake",
    "snakemake-executor-plugin-slurm", "packaging",
)  # fmt: skip
"""Dependencies of `codealign reproduce` that a notebook does not need (packaging: below 26)."""
OPTIONAL = ("xformers", "torchvision", "wheel")
"""What Unsloth names and the locked environment works without; tied to one version of torch."""
EXTRA = ("unsloth", "unsloth_zoo", "bitsandbytes")
"""Locked packages that training needs in addition to the dependencies."""


def prepare(notebook: str, profile: str = "") -> str:
    """Make a notebook ready to run on Colab; return the profile to use.

    Mounts the drive (or works on the machine's disk if you decline), lays out the project there,
    checks the GPU, installs what Colab lacks at the locked versions, and prints time, disk and
    memory. In a process of `codealign reproduce`, which has all that, it does nothing.

    Parameters
    ----------
    notebook : e.g. `02_sft`.
    profile : a profile of the project; empty: `colab_t4`.

    Raises
    ------
    CodealignError
        No GPU where the profile needs one; a package of Colab's that cannot serve; or packages were
        replaced that are in use, and the session restarts.
    """
    if DRIVER in os.environ:
        return profile
    os.environ.update(NO_TELEMETRY)
    folder = open_project()
    from codealign.params import load_params
    from codealign.workflow.layout import lay_out

    lay_out(folder)
    profile = profile or PROFILE
    params = load_params(folder / "params" / f"{profile}.yaml")
    on_gpu = notebook in params.resources and params.resources[notebook].gpu > 0
    print(gpu_line() if on_gpu else "GPU: this notebook needs none")
    _install()
    print("\n".join(what_it_takes(params, notebook)))
    return profile


def open_project() -> Path:
    """Return the project folder: on the drive, or on this machine's disk without one.

    It is what `CODEALIGN_PROJECT` names from then on. Work that lies there is continued.
    """
    named = os.environ.get("CODEALIGN_PROJECT")
    folder = Path(named or _drive() or "/content") / ("" if named else "codealign")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["CODEALIGN_PROJECT"] = str(folder)
    print(f"project: {folder}")
    return folder


def _drive() -> Path | None:
    """Ask for the drive and return its folder, or None if the user declines or it fails."""
    try:
        import_module("google.colab.drive").mount(MOUNT)
    except Exception as error:  # Colab's own error types have changed; any of them means: no drive
        print(f"drive: not mounted ({error}); results end with this session")
        return None
    return Path(MOUNT) / "MyDrive"


def gpu_line() -> str:
    """Return name and memory of the GPU, as its driver reports them.

    Raises
    ------
    CodealignError
        There is none.
    """
    remedy = "choose Runtime > Change runtime type > T4 GPU, then Runtime > Run all"
    ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    if shutil.which(ask[0]) is None:
        raise CodealignError(f"Colab: this runtime has no GPU; {remedy}")
    done = subprocess.run(ask, capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        raise CodealignError(f"Colab: the GPU does not answer ({done.stderr.strip()}); {remedy}")
    name, memory, driver = (part.strip() for part in done.stdout.splitlines()[0].split(","))
    return f"GPU: {name}, {memory}, driver {driver}"


def read_locked(*paths: Path) -> dict[str, str]:
    """Return the pinned version of each package of lock files, by its canonical name."""
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    pins = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version.strip() for name, version in pins}


def lacking(locked: Mapping[str, str]) -> dict[str, str]:
    """Return name and version of each package to install: absent, or not as it is needed.

    Followed are the dependencies of codealign and of every package in its locked version. A direct
    dependency is needed as it is locked, unless it is Colab's own (`OWN`); any other as those want
    it that depend on it. The locked version always serves.

    Raises
    ------
    CodealignError
        Colab's torch, or another package that cannot be replaced, is not accepted.
    """
    missing: dict[str, str] = {}
    todo = [(name, "codealign", Requirement(name)) for name in EXTRA]
    todo += [(canonicalize_name(r.name), "codealign", r) for r in _requires("codealign")]
    seen: set[str] = set()
    while todo:
        name, wanted_by, requirement = todo.pop()
        name, own = canonicalize_name(name), wanted_by == "codealign"
        which = f"{wanted_by} {requirement}"
        if which in seen or name in OPTIONAL or (own and name in DRIVERS):
            continue
        seen.add(which)
        version, pinned = _version(name), locked.get(name)
        exact = own and name not in OWN
        if version is not None and version == pinned:
            todo += [(r.name, name, r) for r in _requires(name)]
        elif exact or version is None or not requirement.specifier.contains(version, True):
            if version and name == "torch":
                raise CodealignError(_refused(version, wanted_by, requirement))
            if pinned:
                missing[name] = pinned
    return missing


def _refused(version: str, wanted_by: str, requirement: Requirement) -> str:
    return (
        f"Colab: its torch {version} does not serve {wanted_by}, which needs {requirement}; choose "
        "Runtime > Change runtime type > Runtime version and take a past one"
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requires(name: str) -> Iterator[Requirement]:
    """Yield what an installed package requires here, without its extras."""
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _install() -> None:
    """Install what is lacking until nothing is: only an installed package says what it requires."""
    from codealign.paths import shipped

    locked = read_locked(shipped() / "requirements.lock")
    replaced: dict[str, str] = {}
    installed = 0
    while wanted := lacking(locked):
        replaced |= {name: old for name in wanted if (old := _version(name))}
        pins = [f"{name}=={version}" for name, version in sorted(wanted.items())]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *pins]
        done = subprocess.run(command, capture_output=True, text=True)
        invalidate_caches()
        if done.returncode or any(_version(name) != pin for name, pin in wanted.items()):
            raise CodealignError(f"Colab: pip failed: {done.stderr.strip()[-1000:]}")
        installed += len(pins)
    kept = [f"{name} {_version(name)} ({locked[name]})" for name in ("torch", "numpy", "pandas")]
    print(f"packages: {installed} installed; Colab's own (locked) kept: {', '.join(kept)}")
    if replaced and (in_use := sorted(set(replaced) & _loaded())):
        _restart(in_use)


def _loaded() -> set[str]:
    """Return the packages of which this process has imported something, by canonical name."""
    owners = metadata.packages_distributions().items()
    packages = [names for module, names in owners if module in sys.modules and len(names) == 1]
    return {canonicalize_name(name) for names in packages for name in names}


def _restart(in_use: list[str]) -> None:
    """End this kernel when its cell has ended, as `exit()` does: Colab starts another at once."""
    from IPython import get_ipython

    get_ipython().exit_now = True
    raise CodealignError(
        f"Colab: replaced while in use: {', '.join(in_use)}. The session restarts now; when it is "
        "back, choose Runtime > Run all"
    )


def what_it_takes(params: Params, notebook: str) -> list[str]:
    """Return time, disk and GPU memory of one job of a notebook, as `codealign plan` has them."""
    from codealign.workflow.estimate import estimate
    from codealign.workflow.memory import GIB, memory_lines

    estimated = estimate(params)
    line = next((line for line in estimated.lines if line.notebook == notebook), None)
    if line is None:
        return [f"the profile has no job of {notebook}"]
    minutes = 60 * line.hours / line.jobs
    about = f"about {minutes:.0f} min" if minutes >= 1 else "under a minute"
    lines = [f"time: {about} for one such notebook; the profile has {line.jobs}"]
    disk = f"disk: {line.gigabytes / line.jobs:.1f} GB of results in the project folder"
    if line.generated_tokens or line.trained_tokens:
        weights = estimated.weights_gb / len(params.models) / len(params.variants)
        free = shutil.disk_usage(Path.home()).free / 1e9
        disk += f", {weights:.1f} GB of weights on this machine, which has {free:.0f} GB free"
    lines.append(disk)
    memory = [one for one in estimated.memory if one.step.split()[0] == notebook]
    if over := [one.step for one in memory if not one.fits]:
        lines.append(f"memory: {', '.join(over)} will not fit {memory[0].limit / GIB:.1f} GiB")
    return [*lines, *(memory_lines(memory) if memory else ()), *estimated.notes]
