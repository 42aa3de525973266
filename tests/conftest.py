"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Return a real browser, one per file of tests: its socket breaks when it idles for minutes.

    Where there is no browser, the test is skipped.
    """
    found = Chromium(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()
