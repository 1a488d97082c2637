"""kill -9 of kit, centre and broker at random moments: what the spool confirmed is archived."""

import time
from collections import Counter
from pathlib import Path

import pytest

from fieldlab.killing import Killing, kills


def campaign(folder: Path, seed: int, count: int) -> None:
    killing = Killing(folder, seed)
    try:
        killing.begin()
        killed = Counter[str]()
        for wait_s, victim in kills(seed, count):
            time.sleep(wait_s)
            killed[victim] += killing.kill(victim)
        killing.settle()
        confirmed = killing.ledger()
        good, bad = killing.verified()
        archived = Counter(good)
        assert len(confirmed) == len(set(confirmed)) > count
        assert min(killed.values()) > 0, killed
        assert bad == []
        assert [bundle for bundle in confirmed if archived[bundle] != 1] == []
    finally:
        killing.stop()


@pytest.mark.timeout(300)
def test_what_the_spool_confirmed_is_archived_once_after_nine_kills(tmp_path: Path) -> None:
    campaign(tmp_path, seed=1, count=9)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
def test_what_the_spool_confirmed_is_archived_once_after_fifty_kills(
    tmp_path: Path, seed: int
) -> None:
    campaign(tmp_path, seed=seed, count=50)
