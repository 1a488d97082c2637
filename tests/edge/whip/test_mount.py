"""Between publisher and recorder: bounded, honest about what it gave up; time, and its jumps."""

from types import SimpleNamespace
from typing import Any

import pytest

from fieldlab.whip import Clip
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.whip import Offer
from fieldlink.edge.source.media import Opened, Packet
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.mount import Mount, Over, Publisher
from fieldlink.edge.whip.source import WhipSource, read_picture
from fieldlink.edge.whip.stream import Stream
from fieldlink.edge.whip.timeline import Timeline

_T0 = 1_790_000_000_000_000


def picture(number: int, size: int = 1_000_000) -> Packet:
    """One of 25 a second, every tenth a keyframe."""
    return Packet(
        "video", b"x" * size, number * 3600, number * 3600, 3600, number % 10 == 0, False,
        _T0 + number * 40_000,
    )  # fmt: skip


def taken(mount: Mount) -> list[Packet | Over]:
    found = []
    while (one := mount.take(0)) is not None:
        found.append(one[1])
    return found


def test_what_nobody_takes_goes_up_to_a_keyframe_that_says_how_much_is_missing() -> None:
    mount, publisher = Mount("phone-1"), Publisher("192.0.2.9", None, "")
    mount.begin(publisher)
    for number in range(25):
        mount.put(publisher, picture(number))
    kept = [one for one in taken(mount) if isinstance(one, Packet)]
    assert [one.pts // 3600 for one in kept] == list(range(10, 25))
    assert kept[0].keyframe
    assert kept[0].missing == 10
    assert mount.counts["overrun"] == 10


def test_when_no_keyframe_is_left_one_is_wanted_and_nothing_goes_before_it() -> None:
    mount, publisher = Mount("phone-1"), Publisher("192.0.2.9", None, "")
    mount.begin(publisher)
    for number in range(11, 40):
        mount.put(publisher, picture(number % 10 or 1))  # none of them is one
    assert taken(mount) == []
    assert mount.thirsty
    mount.put(publisher, picture(40))
    [back] = taken(mount)
    assert isinstance(back, Packet)
    assert back.missing == 29
    assert not mount.thirsty


def test_a_recorder_that_comes_in_the_middle_has_a_keyframe_asked_for() -> None:
    mount, publisher = Mount("phone-1"), Publisher("192.0.2.9", None, "")
    assert not mount.is_wanted()
    with mount.reading():
        assert mount.is_wanted()
        assert mount.thirsty
    assert mount.is_wanted(), "it pauses between two tries"
    mount.begin(publisher)
    mount.put(publisher, picture(0, 10))
    with mount.reading():
        assert not mount.thirsty, "one waits already"
    mount.put(Publisher("192.0.2.66", None, ""), picture(1, 10))
    assert len(taken(mount)) == 1, "of who is not the publisher nothing is taken"
    mount.put(publisher, Packet("audio", b"x", 0, 0, 960, True, False, _T0))
    mount.put(publisher, picture(1, 10))
    with mount.reading():
        assert mount.thirsty, "sound is no picture"


def test_who_reads_is_told_of_an_end_and_nobody_of_one_without_a_picture(clip: Clip) -> None:
    mount = Mount("phone-1")
    source = WhipSource(DeviceSettings(name="phone-1", url="whip:"), mount)
    for data in ([], clip.packets[:2]):
        publisher = Publisher("192.0.2.9", "opus", "")
        mount.begin(publisher)
        for number, one in enumerate(data):
            mount.put(publisher, Packet("video", one, number, number, 1, number == 0, False, _T0))
        mount.end(publisher, "the publisher ended it")
    got: list[Any] = []
    with pytest.raises(SourceError, match="closed: the publisher ended it"):
        source.run(got.append, lambda: False)
    opened, *packets = got
    assert isinstance(opened, Opened)
    assert opened.video is not None
    assert (opened.video.width, opened.video.height) == (320, 180)
    assert opened.audio is not None
    assert opened.audio.codec == "opus"
    assert [one.data for one in packets] == clip.packets[:2]


def test_nobody_publishing_is_said_with_what_went_wrong_last() -> None:
    mount = Mount("phone-1")
    mount.refuse("its video is VP8; set it to H.264")
    device = DeviceSettings.model_validate(
        {"name": "phone-1", "url": "whip:", "open_timeout": "1ms"}
    )
    with pytest.raises(SourceError, match="nobody: its video is VP8"):
        WhipSource(device, mount).run(lambda _: None, lambda: False)


def test_pictures_of_an_absurd_size_are_refused_before_they_are_decoded() -> None:
    # 70 bytes that say 16384x8704: decoded they cost 400 MB.
    keyframe = bytes.fromhex(
        "000000016742c03eda0010000110640000000168ce388000000001658884924924924924924924924924924924"
        "924924924924924924924924924924924924924924924c"
    )
    with pytest.raises(SourceError, match="16384x8704"):
        read_picture(keyframe)


# --- time ---------------------------------------------------------------------------------------


def test_sound_lies_where_the_publishers_own_reports_say() -> None:
    line = Timeline()
    # Its picture is 300 ms on the way, its sound 20 ms; both clocks begin anywhere.
    for number in range(50):
        taken_us = number * 40_000
        line.video(7_000_000 + taken_us, _T0 + taken_us + 300_000)
    before, _ = line.audio(99_000_000, _T0 + 20_000)
    assert before == 7_000_000 - 280_000, "by arrival alone it is early by 280 ms"
    line.report("video", 3_000_000_000, 7_000_000)
    line.report("audio", 3_000_000_000, 99_000_000)
    at_us, utc_us = line.audio(99_000_000 + 20_000, _T0 + 40_000)
    assert at_us == 7_000_000 + 20_000
    assert utc_us == _T0 + 320_000
    line.report("audio", 3_000_000_000 + 5_000, 99_000_000)
    assert line.audio(99_000_000, _T0)[0] == 7_000_000, "5 ms are not worth a jump"


def rtp(clip: Clip, number: int, *, first: int = 0) -> Any:
    data = clip.packets[number % len(clip.packets)]
    return SimpleNamespace(
        sequence_number=number, timestamp=first + number * 3600, marker=1, _data=data
    )


def test_a_hole_of_a_second_is_said_and_a_set_clock_begins_anew(clip: Clip) -> None:
    mount, publisher = Mount("phone-1"), Publisher("192.0.2.9", None, "")
    mount.begin(publisher)
    now = [_T0]
    steady = [0]
    offer = Offer("", "", 96, "42e01f", "1", None, ())
    stream = Stream(mount, publisher, offer, lambda: now[0], lambda: steady[0])
    asked = []
    for number in range(70):
        now[0] += 40_000
        steady[0] += 40_000
        # Lost are two pictures, which is short; and the keyframe at 25 with others before it.
        if number not in (10, 11, *range(20, 27)):
            asked.append(stream.packet("video", rtp(clip, number)))
    pictures = [one for one in taken(mount) if isinstance(one, Packet)]
    hole = [one for one in pictures if one.missing]
    assert [one.pts // 3600 for one in hole] == [50]
    assert hole[0].keyframe
    assert sum(asked) == 1, "for the two the next keyframe came by itself in time"
    assert stream.facts()["packets_lost"] == 9
    now[0] += 3_600_000_000  # set by an hour
    for number in range(70, 80):
        now[0] += 40_000
        steady[0] += 40_000
        stream.packet("video", rtp(clip, number))
    after = taken(mount)
    assert isinstance(after[0], Over)
    assert after[0].word == "clock"
    again = after[1]
    assert isinstance(again, Packet)
    assert again.keyframe
    assert abs(again.utc_us - now[0]) < 1_000_000
