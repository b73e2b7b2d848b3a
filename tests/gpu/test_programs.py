"""The whole programs of tests/autopar on a real device."""

from __future__ import annotations

import pytest

from tests.autopar.device_programs import *  # noqa: F403  # every test, and what it needs
from tests.autopar.resident_programs import *  # noqa: F403

pytestmark = pytest.mark.gpu
