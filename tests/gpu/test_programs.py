"""The whole programs of tests/autopar/device_programs.py on a real device."""

from __future__ import annotations

import pytest

from tests.autopar.device_programs import *  # noqa: F403  # every test, and what it needs

pytestmark = pytest.mark.gpu
