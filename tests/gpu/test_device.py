"""The checks of tests/codegen/device_checks.py on a real device."""

from __future__ import annotations

import pytest

from tests.codegen.device_checks import *  # noqa: F403  # every test, and what it needs

pytestmark = pytest.mark.gpu
