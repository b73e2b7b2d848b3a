"""What is too much for the analysis is decided by isl's operations in tests, not by the clock.

The count is the same on every machine; a clock would, where the machine is loaded, decide a test.
What a test starts as a script of its own keeps the clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autopar.analysis.model import isl_budget

PATIENCE_S = 20.0  # for one question about a region


@pytest.fixture(scope="session", autouse=True)
def operations_decide() -> Iterator[None]:
    """Give each budget that names no time of its own more than it can need."""
    patient = (isl_budget.DEFAULT_BUDGET, PATIENCE_S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vars(isl_budget.budget)["__wrapped__"], "__defaults__", patient)
        yield
