"""One report of a made-up study for all tests that read its pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_report import write_report


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report; tests must not write to it."""
    return write_report(tmp_path_factory.mktemp("runs") / "mine").report
