"""The installer hands pip's configuration on to uv."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "workflow" / "install.py"
LISTING = """\
:env:.find-links='/wheels'
global.cert='/etc/ca.crt'
global.extra-index-url='https://a.example/simple https://b.example/simple'
global.find-links='/old'
global.index-url='https://mirror.example/simple'
global.no-index='false'
install.constraint='limits.txt'
list.format='columns'
"""


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_uv_asks_where_pip_would(installer: ModuleType) -> None:
    options = installer.uv_options(installer.settings(LISTING))
    pairs = list(zip(options[::2], options[1::2], strict=True))
    assert set(pairs) == {
        ("--index-strategy", "unsafe-best-match"),
        ("--default-index", "https://mirror.example/simple"),
        ("--index", "https://a.example/simple"),
        ("--index", "https://b.example/simple"),
        ("--find-links", "/wheels"),  # the variable counts, not the file
        ("--constraint", "limits.txt"),
    }


def test_uv_trusts_pips_certificate(installer: ModuleType) -> None:
    assert installer.uv_environment(installer.settings(LISTING)) == {"SSL_CERT_FILE": "/etc/ca.crt"}


def test_without_an_index_uv_has_none_either(installer: ModuleType) -> None:
    assert "--no-index" in installer.uv_options(installer.settings(":env:.no-index='1'\n"))


def test_an_empty_configuration_changes_nothing_but_the_strategy(installer: ModuleType) -> None:
    assert installer.uv_options(installer.settings("")) == ["--index-strategy", "unsafe-best-match"]


@pytest.mark.parametrize(
    ("device", "requirements", "wanted"),
    [
        ("auto", ["filelock", "nvidia-cublas==13.1.1.3; platform_system == 'Linux'"], True),
        ("auto", ["cuda-toolkit[cudart]==13.0"], True),
        ("auto", ["filelock", "sympy>=1.13"], False),
        ("cpu", ["nvidia-cublas"], False),
        ("gpu", [], True),
    ],
)
def test_cuda_comes_with_a_torch_that_asks_for_it(
    installer: ModuleType, device: str, requirements: list[str], wanted: bool
) -> None:
    assert installer.needs_cuda(device, requirements) is wanted


def test_another_device_is_refused(installer: ModuleType) -> None:
    with pytest.raises(SystemExit, match="DEVICE=tpu: expected auto, cpu or gpu"):
        installer.main("tpu")


@pytest.mark.parametrize("line", [":env:.proxy=''", ":env:.no-index=''", "global.no-index='false'"])
def test_an_empty_setting_is_none(installer: ModuleType, line: str) -> None:
    settings = installer.settings(line + "\n")
    assert installer.uv_environment(settings) == {}
    assert "--no-index" not in installer.uv_options(settings)


def test_a_path_with_a_blank_is_one_path(installer: ModuleType) -> None:
    found = installer.uv_environment(installer.settings("global.cert='/etc/my certs/ca.pem'\n"))
    assert found == {"SSL_CERT_FILE": "/etc/my certs/ca.pem"}
