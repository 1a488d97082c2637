"""WHIP over HTTP (RFC 9725): what each request is answered, and to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fieldlab.whip import Clip, Publisher
from fieldlab.whipkit import NAME, TOKEN, WhipKit
from fieldlink.edge.whip.peer import Peer

pytestmark = pytest.mark.anyio
_SDP = {"Content-Type": "application/sdp", "Authorization": f"Bearer {TOKEN}"}
_FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[WhipKit, httpx.AsyncClient]]:
    """The endpoint without a socket; a recorder seems to be there."""
    kit = WhipKit(**options)
    transport = httpx.ASGITransport(kit.server.app)
    with kit.hub.mount(NAME).reading():
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://kit") as client:
                yield kit, client
        finally:
            for peer in list(kit.server.sessions._peers.values()):
                await kit.server.sessions.end(peer, "the test is over")


async def offered(clip: Clip) -> str:
    publisher = Publisher()
    publisher.add(clip.packets[:1])
    try:
        return await publisher.offer()
    finally:
        await publisher.connection.close()


async def test_a_session_is_created_found_trickled_to_and_ended(clip: Clip) -> None:
    async with served() as (kit, client):
        made = await client.post(f"/whip/{NAME}", content=await offered(clip), headers=_SDP)
        assert (made.status_code, made.headers["content-type"]) == (201, "application/sdp")
        assert "a=recvonly" in made.text
        assert "a=ice-options:trickle" in made.text
        assert " typ srflx" not in made.text
        place, etag = made.headers["location"], made.headers["etag"]
        assert place.startswith(f"/whip/{NAME}/")
        more = "a=mid:0\r\na=candidate:1 1 udp 2113937151 192.0.2.77 50000 typ host\r\n"
        told = await client.patch(place, content=more, headers={**_FRAGMENT, "If-Match": etag})
        assert (told.status_code, told.content) == (204, b"")
        assert len(kit.server.sessions) == 1
        assert (await client.delete(place, headers=_SDP)).status_code == 200
        assert len(kit.server.sessions) == 0
        assert (await client.delete(place, headers=_SDP)).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, "a=mid:0", 428),
        ({"If-Match": '"another"'}, "a=mid:0", 412),
        ({"If-Match": "*"}, "a=ice-ufrag:abcd", 422),
        ({"If-Match": "ETAG"}, "a=ice-ufrag:abcd", 422),
        ({"If-Match": "ETAG"}, "nothing", 400),
        ({"If-Match": "ETAG"}, "a=" + "x" * 20_000, 413),
        ({"If-Match": "ETAG", "Content-Type": "application/sdp"}, "a=mid:0", 415),
        ({"If-Match": "ETAG", "Authorization": "Bearer no"}, "a=mid:0", 401),
    ],
)
async def test_candidates_that_come_later_are_answered_as_the_rfc_says(
    clip: Clip, headers: dict[str, str], body: str, status: int
) -> None:
    async with served() as (_, client):
        made = await client.post(f"/whip/{NAME}", content=await offered(clip), headers=_SDP)
        told = {k: v.replace("ETAG", made.headers["etag"]) for k, v in headers.items()}
        answer = await client.patch(
            made.headers["location"], content=body, headers={**_FRAGMENT, **told}
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "said"),
    [
        (NAME, {"Authorization": ""}, "v=0", 401, "令牌不正确"),
        (NAME, {"Authorization": "Bearer wrong"}, "v=0", 401, "the token is wrong"),
        ("nobody", {}, "v=0", 401, "the token is wrong"),
        (NAME, {"Content-Type": "text/plain"}, "v=0", 415, "send application/sdp"),
        (NAME, {}, "rubbish", 400, "the offer is malformed"),
        (NAME, {}, "v=0\n" + "a=x\n" * 30_000, 413, "over 64000 bytes"),
    ],
)
async def test_who_does_it_wrong_is_told_what(
    path: str, headers: dict[str, str], body: str, status: int, said: str
) -> None:
    async with served() as (_, client):
        answer = await client.post(f"/whip/{path}", content=body, headers={**_SDP, **headers})
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
        if status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_offer_without_h264_is_refused_and_the_device_says_so(clip: Clip) -> None:
    async with served() as (kit, client):
        only = (await offered(clip)).replace("H264/90000", "VP8/90000")
        answer = await client.post(f"/whip/{NAME}", content=only, headers=_SDP)
        assert answer.status_code == 406
        assert "set it to H.264" in answer.text
        assert "只录制 H.264" in kit.received["reason"]
        assert kit.received["counts"] == {"refused": 1}


async def test_a_token_in_the_query_is_as_good_and_a_device_has_to_be_there(clip: Clip) -> None:
    async with served() as (kit, client):
        headers = {"Content-Type": "application/sdp"}
        offer = await offered(clip)
        made = await client.post(f"/whip/{NAME}?token={TOKEN}", content=offer, headers=headers)
        assert made.status_code == 201
        kit.tokens["phone-2"] = kit.tokens[NAME]
        answer = await client.post("/whip/phone-2", content=offer, headers=_SDP)
        assert answer.status_code == 404
        assert 'url = "whip:"' in answer.text


async def test_wrong_tokens_are_throttled_and_a_right_one_is_let_in_all_the_same(
    clip: Clip,
) -> None:
    async with served() as (kit, client):
        wrong = {**_SDP, "Authorization": "Bearer wrong"}
        said = [
            (await client.post(f"/whip/{NAME}", content="v=0", headers=wrong)).status_code
            for _ in range(22)
        ]
        assert said == [401] * 19 + [429] * 3
        good = await client.post(f"/whip/{NAME}", content=await offered(clip), headers=_SDP)
        assert good.status_code == 201
        assert kit.server.sessions.counts["wrong token"] == 22


async def test_there_are_only_so_many_sessions(clip: Clip) -> None:
    async with served(most=1) as (kit, client):
        offer = await offered(clip)
        assert (await client.post(f"/whip/{NAME}", content=offer, headers=_SDP)).status_code == 201
        again = await client.post(f"/whip/{NAME}", content=offer, headers=_SDP)
        assert again.status_code == 201, "the same device's session takes its own place"
        kit.tokens["phone-2"] = kit.tokens[NAME]
        with kit.hub.mount("phone-2").reading():
            full = await client.post("/whip/phone-2", content=offer, headers=_SDP)
        assert (full.status_code, full.headers["retry-after"]) == (503, "10")
        assert len(kit.server.sessions) == 1


async def test_a_browser_may_ask_and_read_what_it_needs() -> None:
    async with served() as (_, client):
        asked = {"Origin": "https://page", "Access-Control-Request-Method": "POST"}
        answer = await client.options(f"/whip/{NAME}", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["accept-post"] == "application/sdp"
        assert answer.headers["access-control-allow-origin"] == "*"
        for word in ("Authorization", "Content-Type", "If-Match"):
            assert word in answer.headers["access-control-allow-headers"]
        refused = await client.post(f"/whip/{NAME}", headers={"Origin": "https://page"})
        assert "Location, ETag" in refused.headers["access-control-expose-headers"]
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            answer = await client.request(method, f"/whip/{NAME}")
            assert (answer.status_code, "POST" in answer.headers["allow"]) == (405, True)


async def test_a_session_that_is_being_answered_is_not_taken_for_one_that_is_over(
    clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Peer.answer

    async def slow(peer: Peer) -> str:
        made = await usual(peer)
        await kit.server.sessions.look()
        if not answered:  # somebody else comes meanwhile, and is quicker
            answered.append("first")
            other = await client.post(f"/whip/{NAME}", content=offer, headers=_SDP)
            answered.append(str(other.status_code))
        return made

    answered: list[str] = []
    offer = await offered(clip)
    async with served() as (kit, client):
        monkeypatch.setattr(Peer, "answer", slow)
        made = await client.post(f"/whip/{NAME}", content=offer, headers=_SDP)
        assert (made.status_code, answered) == (201, ["first", "201"])
        assert len(kit.server.sessions) == 1
        assert made.headers["location"].endswith(next(iter(kit.server.sessions._peers)))


async def test_of_those_who_come_in_the_same_moment_one_stays(clip: Clip) -> None:
    async with served() as (kit, client):
        offer = await offered(clip)
        posts = [client.post(f"/whip/{NAME}", content=offer, headers=_SDP) for _ in range(6)]
        assert {one.status_code for one in await asyncio.gather(*posts)} == {201}
        assert len(kit.server.sessions) == 1
        [peer] = kit.server.sessions._peers.values()
        assert kit.hub.mount(NAME).publisher is peer.publisher
