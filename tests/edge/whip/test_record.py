"""Publishers on real connections (aiortc): what they send is recorded, bit for bit."""

import asyncio
import io
from typing import Any

import av
import httpx
import pytest

from fieldlab.whip import Clip, Publisher, publish
from fieldlab.whipkit import NAME, TOKEN, WhipKit, until, whip_kit
from fieldlink.codecs.mp4.nal import nal_units

pytestmark = pytest.mark.anyio
_FAST, _BRISK = 6.0, 3.0  # the brisk one leaves time to wait for what was lost


def opened(content: bytes) -> Any:
    return av.open(io.BytesIO(content))


def packets_of(content: bytes, kind: str) -> list[Any]:
    with opened(content) as container:
        stream = getattr(container.streams, kind)[0]
        return [one for one in container.demux(stream) if one.size]


def units(content: bytes) -> list[bytes]:
    """The NAL units of an original's pictures."""
    return [unit for packet in packets_of(content, "video") for unit in nal_units(bytes(packet), 4)]


async def ended(kit: WhipKit, publisher: Publisher, token: str = TOKEN) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        place = f"http://127.0.0.1:{kit.port}{publisher.location}"
        return await client.delete(place, headers={"Authorization": f"Bearer {token}"})


async def test_the_original_is_what_was_sent_bit_for_bit(clip: Clip, sound: list[bytes]) -> None:
    async with (
        whip_kit() as kit,
        publish(kit.url(), TOKEN, clip.packets, sound, speed=_FAST) as publisher,
    ):
        await until(lambda: kit.frames() == len(clip.packets))
        assert (await ended(kit, publisher)).status_code == 200
        await until(lambda: kit.received["state"] == "waiting")
        assert "the publisher ended it" in kit.received["reason"]
    sent = [unit for packet in clip.packets for unit in nal_units(packet)]
    kept = [unit for content in kit.originals() for unit in units(content)]
    assert kept == sent
    heard = [bytes(p) for content in kit.originals() for p in packets_of(content, "audio")]
    first = sound.index(heard[0])
    assert first < 10, "sound before the first picture belongs to nothing"
    assert heard == sound[first : first + len(heard)]
    assert len(heard) > 100
    for content in kit.originals():
        assert packets_of(content, "video")[0].is_keyframe
        with opened(content) as container:
            assert len(list(container.decode(video=0))) > 0
    layers = {draft.layer.value for draft, _ in kit.stored}
    assert layers == {"original", "proxy", "still"}
    assert "publisher ended it" in kit.gaps[-1][-1]


async def test_a_lost_packet_costs_pictures_up_to_the_next_keyframe_and_is_counted(
    clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        whip_kit() as kit,
        publish(kit.url(), TOKEN, clip.packets, speed=_BRISK) as publisher,
    ):
        await until(lambda: publisher.connection.connectionState == "connected")
        [sender] = publisher.senders
        usual, count = sender.transport._send_rtp, 0

        async def lossy(data: bytes) -> None:
            nonlocal count
            if data[1] & 0x7F == kit_payload(publisher) and len(data) > 40:
                count += 1
                if count in (34, 35):  # never sent, nor sent again
                    dropped.append(data)
                    return
            await usual(data)

        dropped: list[bytes] = []
        monkeypatch.setattr(sender.transport, "_send_rtp", lossy)
        monkeypatch.setattr(sender, "_retransmit", _nothing)
        await until(lambda: kit.frames() + kit.received.get("pictures_dropped", 0) >= 70)
        await until(lambda: kit.received.get("packets_lost", 0) >= 1)
        assert kit.received["keyframes_asked"] >= 1
    assert dropped
    sent = [b"".join(nal_units(packet)) for packet in clip.packets]
    kept = [
        b"".join(nal_units(bytes(packet), 4))
        for content in kit.originals()
        for packet in packets_of(content, "video")
    ]
    gone = [number for number, one in enumerate(sent) if one not in kept]
    assert gone, "something was lost"
    assert gone == list(range(gone[0], gone[-1] + 1))
    assert (gone[-1] + 1) % 25 == 0, "from the loss to right before a keyframe"


def kit_payload(publisher: Publisher) -> int:
    return int(publisher.answer.partition("m=video ")[2].split()[2])


async def _nothing(_sequence: int) -> None:
    """In the place of a retransmission."""


async def test_who_publishes_anew_takes_the_place_of_who_did(clip: Clip) -> None:
    async with whip_kit() as kit, publish(kit.url(), TOKEN, clip.packets, loop=True) as first:
        await until(lambda: kit.frames() > 5)
        async with publish(kit.url(), TOKEN, clip.packets, loop=True):
            await until(lambda: first.connection.connectionState == "closed")
            before = kit.frames()
            await until(lambda: kit.frames() > before + 5)
            assert kit.received["counts"]["replaced"] == 1
            assert len(kit.server.sessions) == 1
    assert any("another" in gap[-1] for gap in kit.gaps)


async def test_a_publisher_whose_token_is_taken_back_is_cut_off(clip: Clip) -> None:
    async with whip_kit() as kit, publish(kit.url(), TOKEN, clip.packets, loop=True) as publisher:
        await until(lambda: kit.frames() > 2)
        del kit.tokens[NAME]
        await until(lambda: publisher.connection.connectionState == "closed")
        assert "token is good no more" in kit.received["reason"]
        assert (await ended(kit, publisher)).status_code == 401


async def test_a_publisher_without_candidates_is_found_by_its_own_checks(clip: Clip) -> None:
    async with whip_kit() as kit:
        publisher = Publisher()
        publisher.add(clip.packets)
        offer = await publisher.offer()
        bare = "\r\n".join(
            line
            for line in offer.split("\r\n")
            if not line.startswith(("a=candidate", "a=end-of-candidates"))
        )
        try:
            assert (await publisher.post(kit.url(), TOKEN, bare)).status_code == 201
            await until(lambda: kit.frames() > 2)
        finally:
            await publisher.connection.close()


async def test_pictures_of_another_size_go_on_as_pieces_of_their_own(clip: Clip) -> None:
    larger = Clip(1, 480, 270)
    async with whip_kit() as kit:
        both = clip.packets[:25] + larger.packets
        async with publish(kit.url(), TOKEN, both, speed=_FAST) as publisher:
            await until(lambda: kit.frames() == len(both))
            await ended(kit, publisher)
            await until(lambda: kit.received["state"] == "waiting")
    sizes = [  # at the end of the kit all is stored
        (draft.meta["width"], draft.meta["height"], draft.meta["frames"])
        for draft, _ in kit.stored
        if draft.layer.value == "original"
    ]
    assert sizes == [(320, 180, 25), (480, 270, 25)]
    assert [gap for gap in kit.gaps if "ended it" not in gap[-1]] == []
    assert kit.recorder.report()["counts"]["connections"] <= 2


async def test_who_comes_while_the_recorder_pauses_is_recorded_at_once_and_from_the_start(
    clip: Clip,
) -> None:
    async with whip_kit() as kit:
        async with publish(kit.url(), TOKEN, clip.packets, speed=_FAST) as publisher:
            await until(lambda: kit.frames() > 5)
            await ended(kit, publisher)
        await until(lambda: kit.recorder.report()["state"] == "down")
        async with publish(kit.url(), TOKEN, clip.packets, speed=_FAST):
            before = kit.frames()
            async with asyncio.timeout(4):  # a pause may last 15 s
                await until(lambda: kit.frames() - before == len(clip.packets))
