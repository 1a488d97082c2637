"""Signed frames: untouched on their way, and nothing else where they are required."""

from fieldlab.routing import Bench, Speaker, settings
from fieldlink.codecs.mavlink import Framer, Verifier, sign, signature_time

KEY = bytes(range(32))
NOW = signature_time(1_800_000_000_000_000)


def bench(key: bytes | None = KEY) -> Bench:
    made = settings(
        {"name": "uav", "signing": "require"},
        {"name": "gcs"},
        signing_key_file="/run/key",
        heartbeat=True,
    )
    return Bench(made, key=key)


def test_signed_frames_go_on_as_they_came() -> None:
    b = bench()
    raws = [sign(Speaker(1).beat(), KEY, 1, NOW + count) for count in range(3)]
    b.put("uav", *raws)
    b.put("gcs", sign(Speaker(255, 190).beat(), bytes(32), 1, NOW))  # not looked at there
    assert b.out("gcs") == raws
    assert len(b.out("uav")) == 1


def test_what_does_not_verify_goes_nowhere_and_is_counted_by_source() -> None:
    b = bench()
    right = sign(Speaker(1).beat(), KEY, 1, NOW)
    b.put("uav", right)
    b.clear()
    b.put("uav", right)  # replayed
    b.put("uav", Speaker(1).beat())  # unsigned
    b.put("uav", sign(Speaker(7).beat(), bytes(32), 1, NOW + 9))  # another key
    b.put("uav", sign(Speaker(8).beat(), KEY, 1, NOW - 6_000_001))  # more than a minute behind
    assert b.out("gcs") == []
    assert [frame.sysid for frame in b.tapped] == [1]
    stats = b.ports["uav"].stats
    assert stats.signing_rejects == 4
    assert stats.refused == {"1/1 replayed": 1, "1/1 unsigned": 1, "7/1 forged": 1, "8/1 old": 1}
    assert "4 signing rejects" in stats.line("uav", "OK", b.now_us)
    assert b.core.routes.behind(b.ports["uav"].number) == [(1, 1)]


def test_a_copy_of_what_nobody_judged_leads_nowhere() -> None:
    b = bench()
    unsigned = Speaker(9).beat()
    b.put("gcs", unsigned)
    b.clear()
    b.put("uav", unsigned)  # the same over the link that requires signatures
    assert b.core.routes.behind(b.ports["uav"].number) == []


def test_a_radio_has_no_key() -> None:
    b = bench()
    status = Speaker(51, 68).say("radio_status", 100, 90, 80, 10, 12, 0, 0)
    b.put("uav", status)
    assert b.out("gcs") == [status]


def test_without_a_key_nothing_is_believed() -> None:
    b = bench(key=None)
    b.put("uav", sign(Speaker(1).beat(), KEY, 1, NOW))
    assert b.out("gcs") == []


def test_what_the_kit_says_itself_is_signed_where_signatures_are_required() -> None:
    b = bench()
    b.core.tick(b.now_us, 1_800_000_000_000_000, healthy=True)
    (plain,), (signed,) = b.out("gcs"), b.out("uav")
    assert not Framer().datagram(plain)[0].signed
    assert Verifier(KEY).refusal(Framer().datagram(signed)[0]) is None


def test_sources_of_refused_frames_are_named_for_as_many_as_can_be() -> None:
    b = bench()
    for sysid in range(1, 100):
        b.put("uav", Speaker(sysid).beat())
    stats = b.ports["uav"].stats
    assert len(stats.refused) == 65
    assert sum(stats.refused.values()) == stats.signing_rejects == 99
