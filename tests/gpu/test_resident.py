"""Arrays that stay on a real device between the regions of a call."""

from __future__ import annotations

import pytest

from tests.autopar.resident_programs import *  # noqa: F403  # every test, and what it needs

pytestmark = pytest.mark.gpu
