"""What every test may use: `need_program("mosquitto")` and the like, as functions or fixture."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# pymavlink begins with MAVLink 1 and goes over to 2 when a peer's first message is of 2: which that
# is depends on what came first. Read when it is imported, here or by a program that is started.
os.environ["MAVLINK20"] = "1"

from fieldlab import peers

# Two cores shared by real brokers, encoders and browsers make a time limit per example flaky.
settings.register_profile(
    "fieldlink", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("campaign", parent=settings.get_profile("fieldlink"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fieldlink"))


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side run files, each whole; the laboratories of bad links one after the other,
    for each clears away what one that was killed has left behind.
    """
    if config.getoption("dist", "no") != "loadgroup":
        return
    for item in items:
        file = item.path.relative_to(config.rootpath).as_posix()
        group = "links" if file.startswith("tests/lab/") else file
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def need_program() -> Callable[..., str]:
    """`fieldlab.peers.need_program`, for tests that prefer a fixture."""
    return peers.need_program
