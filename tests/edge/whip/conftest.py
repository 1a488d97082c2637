"""Fixtures of WHIP's tests."""

import gc
import warnings
from collections.abc import Iterator

import pytest

from fieldlab.whip import Clip, tone


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What aiortc leaves to the collector goes here, not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def clip() -> Clip:
    """Three seconds."""
    return Clip(3)


@pytest.fixture(scope="session")
def sound() -> list[bytes]:
    """Three seconds."""
    return tone(3)
