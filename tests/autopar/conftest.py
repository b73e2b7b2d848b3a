"""What the tests of the face share: one cache of kernels, a clean environment, the simulator.

A test that takes the fixture `backend` is run here on the CPU and once more, with all others
of its file, in a process in which Numba's CUDA simulator is the device.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.patience import operations_decide
from tests.simulator import simulated_tests

__all__ = ["operations_decide"]
ROOT = Path(__file__).resolve().parent.parent.parent
BACKEND_VARIABLE = "AUTOPAR_TEST_BACKEND"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep, in the process of the simulator, the tests that take a backend."""
    if BACKEND_VARIABLE in os.environ:
        left = [item for item in items if "backend" not in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the session a cache folder of its own, and an environment without our variables."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "autopar-cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AUTOPAR_")]:
            if name not in {BACKEND_VARIABLE, "AUTOPAR_TEST_SEED"}:
                patch.delenv(name)
        patch.setenv("AUTOPAR_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture
def backend() -> str:
    """Return the backend that this process is to test."""
    return os.environ.get(BACKEND_VARIABLE, "cpu")


@pytest.fixture
def on_simulator(cache_folder: Path) -> Callable[[str], None]:
    """Return what runs the tests of a file that take a backend on the CUDA simulator."""

    def run(file: str) -> None:
        environment = {**os.environ, BACKEND_VARIABLE: "cuda"}
        done = simulated_tests(file, environment=environment)
        assert done.returncode == 0, done.stdout

    return run


@pytest.fixture
def python(tmp_path: Path) -> Run:
    """Return what runs Python on arguments in `tmp_path`, autopar importable from this tree."""

    def run(
        *arguments: str, environment: Mapping[str, str | None] | None = None, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={name: value for name, value in surroundings.items() if value is not None},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
