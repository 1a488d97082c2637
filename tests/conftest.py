"""What every test may use: `need_program("mosquitto")` and the like, as functions or fixture."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from fieldlab import peers

# Two cores shared by real brokers, encoders and browsers make a time limit per example flaky.
settings.register_profile(
    "fieldlink", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("campaign", parent=settings.get_profile("fieldlink"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fieldlink"))


@pytest.fixture
def need_program() -> Callable[..., str]:
    """`fieldlab.peers.need_program`, for tests that prefer a fixture."""
    return peers.need_program
