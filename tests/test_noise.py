"""What libraries say on import stays off the terminal; what else they say does not."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import pytest

from codealign import cli
from codealign.noise import NOISE, hush

SAID = {
    "torchao": "Failed to load /site-packages/torchao/_C_mxfp8.so: Could not load this library",
    "torch.utils._pytree": "<enum 'KernelPreference'> is an Enum subclass and is now natively",
    "matplotlib.font_manager": "findfont: Font family 'Inter' not found.",
}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        hush()
        yield


@pytest.mark.parametrize("name", NOISE)
def test_a_known_message_is_left_out_and_any_other_is_told(name: str, caplog) -> None:
    logger = logging.getLogger(name)
    logger.warning(SAID[name])
    logger.warning("something new")
    assert [record.getMessage() for record in caplog.records] == ["something new"]


def test_the_same_words_of_another_logger_are_told(caplog) -> None:
    logging.getLogger("mine").warning(SAID["torchao"])
    assert len(caplog.records) == 1


def test_hushing_twice_is_hushing_once() -> None:
    before = [*logging.getLogger("torchao").filters]
    hush()
    assert logging.getLogger("torchao").filters == before


def test_tqdm_says_nothing_of_widgets_but_warnings_are_shown() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.warn("IProgress not found. Please update jupyter", stacklevel=1)
        warnings.warn("this matters", stacklevel=1)
    assert [str(w.message) for w in shown] == ["this matters"]


@pytest.mark.parametrize("import_", ["import torchao", "import codealign.models"])
def test_a_command_that_loads_the_libraries_has_nothing_on_standard_error(import_: str) -> None:
    """A process of its own: the messages come when a library is first imported."""
    pytest.importorskip("torchao")
    script = f"from codealign.noise import hush; hush(); {import_}"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_command_begins_with_it(monkeypatch, tmp_path) -> None:
    called = []
    monkeypatch.setattr(cli, "hush", lambda: called.append(1))
    assert cli.main(["status", str(tmp_path / "none")]) == 1
    assert called == [1]
