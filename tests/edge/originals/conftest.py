"""A store with a real spool behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fieldlab.originals import StoreLab, served
from fieldlab.spools import open_spool


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[StoreLab]:
    spool = open_spool(tmp_path / "spool")
    made = StoreLab(tmp_path / "originals", spool)
    try:
        yield made
    finally:
        made.made.store.close()
        spool.close()


@pytest.fixture
async def door(lab: StoreLab) -> AsyncIterator[StoreLab]:
    """A lab whose store listens."""
    async with served(lab):
        yield lab
