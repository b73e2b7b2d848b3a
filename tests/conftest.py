"""What all tests share: the `.case` collector, the `gpu` marker, the Hypothesis profiles.

`--update-cases` rewrites the sections of every collected `.case` file with what the stages produce.
`HYPOTHESIS_PROFILE` chooses dev (default), ci (the same examples each time) or nightly (many examples).
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings

from tests import turns
from tests.case_files import CaseError, differences, parse_case, print_case, produce, updated

SEED_VARIABLE = "AUTOPAR_TEST_SEED"

settings.register_profile("dev", max_examples=25, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "nightly",
    max_examples=5000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="rewrite the sections of the .case files with what the stages produce",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile and fix the seed of every property test, in all worker processes alike."""
    listen_to_ctrl_c()
    settings.load_profile(profile())
    if turns.is_simulated():
        turns.take_turns()
    if config.getoption("--hypothesis-seed", None) is None:
        seed = os.environ.setdefault(SEED_VARIABLE, str(random.SystemRandom().randrange(2**32)))
        hypothesis.core.global_force_seed = int(seed)  # type: ignore[assignment] # starts as None


def pytest_report_header(config: pytest.Config) -> str:
    seed = hypothesis.core.global_force_seed
    return f"hypothesis: profile {profile()}, seed {seed} (--hypothesis-seed={seed} repeats it)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat the seed after a failure: `-q` leaves the header out."""
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(pytest_report_header(terminalreporter.config))


def listen_to_ctrl_c() -> None:
    """Let tests interrupt processes, also where this one runs behind `nohup` or in the background.

    What a process ignores its children ignore too: they would never end.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def profile() -> str:
    """Return the name of the Hypothesis profile in force."""
    return os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is no device; CUDA is looked for only if there are such tests."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not has_device():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def has_device() -> bool:
    """Return whether a CUDA device is there, the simulator not counted as one."""
    if turns.is_simulated():
        return False
    try:
        from numba import cuda
    except ImportError:
        return False
    return bool(cuda.is_available())


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".case":
        return None
    return CaseFile.from_parent(parent, path=file_path)


class CaseFile(pytest.File):
    """A `.case` file, which is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        yield CaseItem.from_parent(self, name=self.path.stem)


class CaseItem(pytest.Item):
    """The comparison of one case's sections with what the stages produce."""

    def runtest(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        case = parse_case(text)
        produced = produce(case)
        if self.config.getoption("--update-cases"):
            fresh = print_case(updated(case, produced))
            if fresh != text:
                self.path.write_text(fresh, encoding="utf-8")
        elif difference := differences(case, produced):
            raise CaseError(f"{difference}\n(--update-cases takes over what was produced)")

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        if isinstance(excinfo.value, CaseError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"case {self.name}"
