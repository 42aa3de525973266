"""On Colab: what is installed and what is kept, the GPU, and what a notebook will take."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from codealign.errors import CodealignError
from codealign.params import load_params
from codealign.paths import PACKAGE, PROJECT, shipped
from codealign.workflow import colab
from codealign.workflow.code import closure, code_cells, computing
from codealign.workflow.environment import DRIVER
from codealign.workflow.estimate import estimate
from codealign.workflow.notebooks import NOTEBOOKS

LOCKED = colab.read_locked(shipped() / "requirements.lock")


@pytest.fixture
def there(monkeypatch):
    """Set what is installed, {name: version}, and what each requires, {name: [requirement]}."""

    def tell(versions: dict[str, str], requires: dict[str, list[str]]) -> None:
        monkeypatch.setattr(colab, "EXTRA", ())
        monkeypatch.setattr(colab, "_version", versions.get)
        found = {name: [Requirement(text) for text in texts] for name, texts in requires.items()}
        monkeypatch.setattr(colab, "_requires", lambda name: found.get(name, []))

    return tell


def test_a_lock_file_names_canonical_packages(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("# pinned\nPyYAML==6.0\nunsloth_zoo==1.2\n")
    assert colab.read_locked(tmp_path / "lock") == {"pyyaml": "6.0", "unsloth-zoo": "1.2"}


def test_a_direct_dependency_is_needed_as_it_is_locked(there) -> None:
    there({"trl": "0.9"}, {"codealign": ["trl", "peft"]})
    assert colab.lacking({"trl": "1.0", "peft": "2.0"}) == {"trl": "1.0", "peft": "2.0"}


def test_colabs_own_package_stays_as_long_as_it_is_accepted(there) -> None:
    there({"numpy": "2.0"}, {"codealign": ["numpy"]})
    assert colab.lacking({"numpy": "2.4"}) == {}
    there({"numpy": "2.0"}, {"codealign": ["numpy>=2.1"]})
    assert colab.lacking({"numpy": "2.4"}) == {"numpy": "2.4"}


def test_a_package_behind_a_locked_one_is_installed_if_that_does_not_accept_it(there) -> None:
    installed = {"trl": "1.0", "pyarrow": "18", "dill": "0.3"}
    there(installed, {"codealign": ["trl"], "trl": ["pyarrow>=21", "dill<0.5"]})
    locked = {"trl": "1.0", "pyarrow": "26", "dill": "0.4"}
    assert colab.lacking(locked) == {"pyarrow": "26"}


def test_the_locked_version_always_serves(there) -> None:
    there({"trl": "1.0", "certifi": "7"}, {"codealign": ["trl"], "trl": ["certifi>=8"]})
    assert colab.lacking({"trl": "1.0", "certifi": "7"}) == {}


def test_a_torch_that_is_not_accepted_is_refused_with_who_wants_what(there) -> None:
    there({"trl": "1.0", "torch": "2.15.1"}, {"codealign": ["trl"], "trl": ["torch<2.15"]})
    with pytest.raises(CodealignError, match=r"torch 2.15.1 does not serve trl, which needs torch"):
        colab.lacking({"trl": "1.0", "torch": "2.13.0"})


def test_what_only_the_driver_needs_and_what_is_not_locked_is_left_out(there) -> None:
    there({}, {"codealign": ["snakemake", "xformers", "unheard-of"]})
    assert colab.lacking({"snakemake": "9.0", "xformers": "0.1"}) == {}


def test_in_the_locked_environment_nothing_is_lacking() -> None:
    assert colab.lacking(LOCKED) == {}


def test_what_is_not_followed_is_a_dependency_that_exists() -> None:
    own = {canonicalize_name(Requirement(t).name) for t in metadata.requires("codealign")}
    assert {*colab.OWN, *colab.DRIVERS} <= own | {"triton"}


def imported(path_or_cell: str) -> set[str]:
    """Return the top-level modules that a source text imports."""
    found = set()
    for node in ast.walk(ast.parse(path_or_cell)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


# Engines, trackers and a frame that a profile may ask for and the lock has not.
ON_DEMAND = {"vllm", "trackio", "wandb", "accelerate"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_whatever_a_notebook_imports_is_kept_or_installed(name: str, monkeypatch) -> None:
    reached = {"ipython"}

    def note(package: str, ask=colab._requires):
        reached.add(canonicalize_name(package))
        found = list(ask(package))
        reached.update(canonicalize_name(r.name) for r in found)
        return found

    monkeypatch.setattr(colab, "_requires", note)
    colab.lacking(LOCKED)
    reached -= {"snakemake", "jupyterlab", "papermill", "nbclient", "nbconvert"}
    sources = [computing(source) for source, _ in code_cells(name)]
    sources += [path.read_text("utf-8") for path in closure(name)]
    owners = metadata.packages_distributions()
    wanted = set().union(*map(imported, sources)) - sys.stdlib_module_names - ON_DEMAND
    for module in wanted - {"codealign", "inside"}:
        names = {canonicalize_name(n) for n in owners.get(module, [f"no package for {module}"])}
        assert names & reached, f"{module} of {names}"


def test_no_gpu_says_how_to_choose_one(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodealignError, match="no GPU; choose Runtime > Change runtime type > T4"):
        colab.gpu_line()


def nvidia_smi(folder: Path, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_gpu_is_told_with_its_memory(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    nvidia_smi(tmp_path, "echo 'Tesla T4, 15360 MiB, 580.82.07'")
    assert colab.gpu_line() == "GPU: Tesla T4, 15360 MiB, driver 580.82.07"


def test_a_gpu_that_does_not_answer_is_none(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    nvidia_smi(tmp_path, "echo 'no devices' >&2; exit 9")
    with pytest.raises(CodealignError, match=r"does not answer \(no devices\); choose Runtime"):
        colab.gpu_line()


def test_in_a_job_of_the_driver_nothing_is_prepared(monkeypatch) -> None:
    monkeypatch.setenv(DRIVER, "1")
    monkeypatch.setattr(colab, "open_project", lambda: pytest.fail("a job has its project"))
    assert colab.prepare("02_sft", "nano") == "nano"


def test_what_a_notebook_takes_is_what_the_plan_says_of_one_of_its_jobs() -> None:
    params = load_params(PROJECT / "params/colab_t4.yaml")
    line = next(line for line in estimate(params).lines if line.notebook == "02_sft")
    told = colab.what_it_takes(params, "02_sft")
    assert (
        told[0]
        == f"time: about {60 * line.hours / 4:.0f} min for one such notebook; the profile has 4"
    )
    assert "0.1 GB of results" in told[1] and "2.7 GB of weights" in told[1]  # 2 bytes x 1.35e9
    assert told[3].startswith("02_sft ") and told[3].endswith("fits 14.6 of t4")
    assert told[4].startswith("assumed: one NVIDIA T4")


def test_a_notebook_without_a_model_needs_no_weights() -> None:
    told = colab.what_it_takes(load_params(PROJECT / "params/colab_t4.yaml"), "07_paper")
    assert told[0].startswith("time: under a minute")
    assert "weights" not in told[1]


def test_a_package_that_was_in_use_ends_the_kernel() -> None:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=300)
    asked = client.execute("from codealign.workflow.colab import _restart; _restart(['numpy'])")
    reply: dict = {"parent_header": {}}
    while reply["parent_header"].get("msg_id") != asked:
        reply = client.get_shell_msg(timeout=300)
    assert "replaced while in use: numpy. The session restarts" in reply["content"]["evalue"]
    until = time.monotonic() + 60
    while manager.is_alive() and time.monotonic() < until:
        time.sleep(0.1)
    assert not manager.is_alive()
    client.stop_channels()


def test_a_package_is_in_use_once_something_of_it_is_imported() -> None:
    assert {"packaging", "pytest"} <= colab._loaded()


def test_a_notebook_that_will_not_fit_is_told_before_it_starts() -> None:
    params = load_params(PROJECT / "params/colab_t4.yaml")
    codal = params.codal.model_copy(update={"batch_size": 64})
    told = colab.what_it_takes(params.model_copy(update={"codal": codal}), "05_codal")
    assert "memory: 05_codal will not fit 14.6 GiB" in told


def test_a_notebook_that_the_profile_has_no_job_of_is_no_error() -> None:
    params = load_params(PROJECT / "params/colab_t4.yaml")
    alone = params.model_copy(update={"requirements": ["functional"]})
    assert colab.what_it_takes(alone, "05_codal") == ["the profile has no job of 05_codal"]


def test_nothing_is_loaded_before_the_project_is_known() -> None:
    code = "import sys, codealign.workflow.colab; print('codealign.paths' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_telling_time_and_memory_loads_no_torch() -> None:
    code = (
        "import sys; from codealign.params import load_params; "
        "from codealign.workflow.colab import what_it_takes; "
        f"what_it_takes(load_params({str(PROJECT / 'params/colab_t4.yaml')!r}), '02_sft'); "
        "print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
    assert (PACKAGE / "workflow" / "colab.py").exists()
