"""A centre with real media that the tests of the API and the page look at."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fieldlab.duty import PASSWORD, Duty, open_duty


@pytest.fixture
def duty(tmp_path: Path) -> Iterator[Duty]:
    """A running centre without anything in it."""
    with open_duty(tmp_path / "centre") as opened:
        yield opened


@pytest.fixture
def outside(duty: Duty) -> Iterator[httpx.Client]:
    """A client that has not logged in."""
    with httpx.Client(base_url=duty.url, verify=False, timeout=10) as client:  # noqa: S501
        yield client


@pytest.fixture
def inside(duty: Duty) -> Iterator[httpx.Client]:
    """A client that is logged in as "duty"."""
    with httpx.Client(base_url=duty.url, verify=False, timeout=10) as client:  # noqa: S501
        client.headers["origin"] = duty.url
        answer = client.post("/api/login", json={"name": "duty", "password": PASSWORD})
        assert answer.status_code == 200
        yield client
