"""Power cuts while bundles are being filed: what was in custody is there, and the store opens."""

from random import Random

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.receiving import Bundle, StillCentre, make_bundle
from fieldlink.codecs.fault import FieldlinkError
from fieldlink.relay.archive.verify import verify

_CUTS = 25
_CAMPAIGN_CUTS = 500


def _bundles(random: Random) -> list[Bundle]:
    return [
        make_bundle(
            random.randbytes(random.choice([0, 10, 3000, 9000])),
            sequence=number,
            device=random.choice(["ball-1", "drone-1"]),
            start_us=1_790_000_000_000_000 + number * random.choice([1_000_000, 40_000_000_000]),
            end_us=1_790_900_000_000_000,
        )
        for number in range(8)
    ]


def _work(disk: PowerCutDisk, bundles: list[Bundle], custody: dict[bytes, Bundle]) -> bool:
    """Receive everything until the power goes; True when all of it came through."""
    centre = None
    try:
        centre = StillCentre(disk.path)
        by_id = {bundle.id: bundle for bundle in bundles}
        for known in custody.values():
            assert centre.file_of(known).read_bytes() == known.content, "custody was broken"
        for bundle in bundles:
            half = bundle.manifest.size // 2
            if half:
                centre.take(bundle.chunk(0, half))
            if bundle.manifest.sequence % 3 == 2:
                centre.commit()
        for bundle in bundles:
            centre.send_rest(bundle, step=4000)
        return True
    except (FieldlinkError, OSError):
        if not disk.dead:
            raise
        return False
    except AssertionError:
        if not disk.dead:  # no custody, for want of power
            raise
        return False
    finally:
        if centre is not None:
            custody.update((ident, by_id[ident]) for ident in centre.custody)
            centre.close()


def _campaign(seed: int) -> None:
    random = Random(seed)
    with PowerCutDisk(seed) as disk:
        bundles, custody = _bundles(random), dict[bytes, Bundle]()
        for _ in range(3):
            disk.die_after(random.randrange(1, 260))
            through = _work(disk, bundles, custody)
            disk.cut()
            if through:
                break
        assert _work(disk, bundles, custody)
        centre = StillCentre(disk.path)
        assert [one.problem for one in verify(centre.archive, centre.catalogue)] == [None] * 8
        assert len(centre.files()) == 8
        centre.close()


@pytest.mark.parametrize("seed", range(_CUTS // 3 + 1))
def test_nothing_in_custody_is_missing_after_power_cuts(seed: int) -> None:
    _campaign(seed)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_nothing_in_custody_is_missing_after_hundreds_of_power_cuts() -> None:
    for seed in range(1000, 1000 + _CAMPAIGN_CUTS // 3 + 1):
        _campaign(seed)
