"""Fixtures of WHIP's tests."""

import pytest

from fieldlab.whip import Clip, tone
from fieldlink.edge.whip import sessions


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_TICK_S", 0.1)


@pytest.fixture(scope="session")
def clip() -> Clip:
    """Three seconds."""
    return Clip(3)


@pytest.fixture(scope="session")
def sound() -> list[bytes]:
    """Three seconds."""
    return tone(3)
