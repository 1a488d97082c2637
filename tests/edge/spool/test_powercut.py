"""Power cuts at seeded moments: nothing that was confirmed is ever missing, the spool opens."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.spools import content_of, draft_of, gaps_in, open_spool
from fieldlink.codecs.bundle import Layer, content_hash
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import RetentionPolicy, Spool, State, Stored

POLICY = RetentionPolicy(quota_bytes=400_000)
CUTS_PER_DISK = 10
SIZES = (0, 100, 4096, 4097, 9_000, 40_000)
LAYERS = (Layer.REPORT, Layer.STILL, Layer.PROXY, Layer.ORIGINAL)


@dataclass
class Ledger:
    """What the spool confirmed, kept outside the disk."""

    confirmed: dict[bytes, tuple[Stored, bytes]] = field(default_factory=dict)
    in_custody: set[bytes] = field(default_factory=set)
    asked_custody: set[bytes] = field(default_factory=set)
    sequences: set[tuple[bytes, int]] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def confirm(self, item: Stored, content: bytes) -> None:
        with self.guard:
            number = item.manifest.spool, item.manifest.sequence
            assert number not in self.sequences, f"sequence {number[1]} was given out twice"
            self.sequences.add(number)
            if item.state is not State.GIVEN_UP:
                self.confirmed[item.bundle_id] = item, content


def record_until_dark(spool: Spool, ledger: Ledger, seed: int) -> None:
    """Record and mark custody until the disk no longer answers."""
    rng = Random(seed)
    mine: list[bytes] = []
    try:
        for _ in range(400):
            if mine and rng.random() < 0.25:
                chosen = [mine.pop(rng.randrange(len(mine)))]
                with ledger.guard:
                    ledger.asked_custody.update(chosen)
                spool.custody(chosen, 1)
                with ledger.guard:
                    ledger.in_custody.update(chosen)
                continue
            second = rng.randrange(10_000)
            content = content_of(rng.getrandbits(40), rng.choice(SIZES))
            item = spool.add(draft_of(second, rng.choice(LAYERS)), content)
            ledger.confirm(item, content)
            mine.append(item.bundle_id)
    except SpoolError:
        return


def check(spool: Spool, ledger: Ledger) -> None:
    """Every confirmed bundle is here byte for byte, in custody, or in a gap record."""
    gaps = gaps_in(spool)
    for bundle_id, (item, content) in ledger.confirmed.items():
        manifest = item.manifest
        found = spool.get(bundle_id)
        if found is not None:
            assert spool.read(bundle_id, 0, len(content) + 1) == content
            assert bundle_id not in ledger.in_custody or found.state is State.CUSTODY
            assert found.state is State.PENDING or bundle_id in ledger.asked_custody
        elif bundle_id not in ledger.asked_custody:
            assert any(
                gap.start_us <= manifest.start_us and manifest.end_us <= gap.end_us
                for gap in gaps
                if gap.layer == manifest.layer and gap.reason.startswith("given-up")
            ), f"bundle {manifest.sequence} ({manifest.layer}) is missing without a gap"
    for item in spool.bundles():
        size = item.manifest.size
        assert content_hash(spool.read(item.bundle_id, 0, size)) == item.manifest.content_hash
    assert not [finding for finding in spool.findings if "lost" in finding or "damage" in finding]


def live_and_die(disk: PowerCutDisk, ledger: Ledger, rng: Random) -> None:
    """One life of the spool, from an open to a power cut at a random operation."""
    disk.die_after(rng.randrange(1, 400))
    try:
        spool = open_spool(disk.path / "spool", POLICY)
    except SpoolError:
        disk.cut()
        return
    workers = [
        threading.Thread(target=record_until_dark, args=(spool, ledger, rng.getrandbits(32)))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert disk.dead
    spool.close()
    disk.cut()
    reopened = open_spool(disk.path / "spool", POLICY)
    check(reopened, ledger)
    reopened.close()


def campaign(seed: int, cuts: int) -> None:
    rng = Random(seed)
    with PowerCutDisk(seed) as disk:
        ledger = Ledger()
        for _ in range(cuts):
            live_and_die(disk, ledger, rng)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_confirmed_is_missing_after_a_power_cut(seed: int) -> None:
    campaign(seed, CUTS_PER_DISK)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_nothing_confirmed_is_missing_after_a_thousand_power_cuts(seed: int) -> None:
    campaign(seed, 50)


def test_the_disk_does_forget_what_was_not_synced(tmp_path: Path) -> None:
    survived = 0
    with PowerCutDisk(1) as disk:
        for number in range(20):
            (disk.path / f"{number}").write_bytes(b"x" * 2000)
        disk.cut()
        survived = sum(file.read_bytes() == b"x" * 2000 for file in disk.path.iterdir())
    assert survived < 20
