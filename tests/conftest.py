"""What all tests share: eight virtual devices, checked array shapes, golden files, slow tests apart."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.forks import QUICKLY, SELDOM

# Read by jax when its backend starts, so before any test module imports it; subprocesses inherit both. Most tests
# compile for longer than they compute: machine code that is not optimized, and the older of XLA's two ways to write it,
# save half of that.
os.environ["JAX_PLATFORMS"] = "cpu"
_FLAGS = ("--xla_force_host_platform_device_count=8", *QUICKLY)
os.environ["XLA_FLAGS"] = " ".join([*filter(None, [os.environ.get("XLA_FLAGS")]), *_FLAGS])

gc.set_threshold(*SELDOM)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a worker often waits for processes that it started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # first, so that two processes end together; one file stays with one process (`--dist loadfile`)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if config.getoption("--all") or config.getoption("-m"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture
def getkey() -> Callable[[], Any]:
    """A function that returns a new PRNG key at each call; the same sequence in every test."""
    import jax

    keys = iter(jax.random.split(jax.random.key(0), 1000))
    return lambda: next(keys)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that all test processes share: the first one that needs the scenes draws them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "data-dir"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def own_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder from which modules are imported; their components are forgotten afterwards."""
    from bvc.component import declare

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if (sys.modules[name].__dict__.get("__file__") or "").startswith(str(tmp_path)):
            del sys.modules[name]
    for key, component in list(declare._DECLARED.items()):
        if component.file.startswith(str(tmp_path)):
            del declare._DECLARED[key]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], str]:
    """`golden(path, text)` is what the file holds; with `--update-golden` the text is written to it before."""
    update = request.config.getoption("--update-golden")

    def held(path: Path, text: str) -> str:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; `pytest --update-golden` writes it"
        return path.read_text(encoding="utf-8")

    return held
