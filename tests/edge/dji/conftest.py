"""Fixtures of the DJI adapter's tests."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def collected() -> Iterator[None]:
    """A paho client closes its wake-up sockets when it is collected: here, not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
