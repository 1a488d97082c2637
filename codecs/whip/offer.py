"""A publisher's offer, cut down to what the kit records, and the answer to it (RFC 9725 4.2).

One video in H.264 and at most one sound. Every line that goes on is of a closed list and checked,
because the parser behind it is not made for strangers. The profile of H.264 is whatever the
publisher likes: nothing here decodes it.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

from .candidates import lines_of, read_candidates

__all__ = ["Offer", "finish_answer", "read_offer"]

_MAX_MEDIA = 4
_MID = r"[A-Za-z0-9._~!#$%&'*+^`{|}-]{1,64}"
_TRANSPORT = {
    "ice-ufrag": re.compile(r"[A-Za-z0-9+/]{4,256}"),
    "ice-pwd": re.compile(r"[A-Za-z0-9+/]{22,256}"),
    "fingerprint": re.compile(r"(?i:sha-(?:256|384|512)) [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31,63}"),
    "setup": re.compile(r"actpass|active|passive"),
}
_OWN = {
    "mid": re.compile(_MID),
    "ssrc": re.compile(r"[0-9]{1,10} cname:[\x21-\x7e]{1,256}"),
    "ssrc-group": re.compile(r"FID [0-9]{1,10} [0-9]{1,10}"),
    "extmap": re.compile(r"(?:[1-9]|1[0-4]) [A-Za-z][\x21-\x7e]{1,200}"),
}
_FEEDBACK = ("nack", "nack pli", "goog-remb")
_USUAL_H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
_PROFILE = re.compile(r"[0-9A-Fa-f]{6}")
_SOUND = ("opus/48000/2", "PCMU/8000", "PCMA/8000")
_MAX_SETS_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Offer:
    """`text` is the offer cut down; `profile` and `mode` are H.264's as offered; `audio` is "opus",
    "pcmu", "pcma" or None; `parameter_sets` are those that the offer carries (RFC 6184 8.1).
    """

    text: str
    ufrag: str
    video: int
    profile: str
    mode: str
    audio: str | None
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Media:
    kind: str
    payloads: tuple[str, ...]
    lines: tuple[str, ...]

    def values(self, name: str) -> list[str]:
        start = f"a={name}:"
        return [line[len(start) :] for line in self.lines if line.startswith(start)]

    def of(self, name: str, payload: str) -> list[str]:
        start = f"{payload} "
        return [one[len(start) :] for one in self.values(name) if one.startswith(start)]

    def codec(self, payload: str) -> str:
        static = {"0": "PCMU/8000", "8": "PCMA/8000"}
        return next(iter(self.of("rtpmap", payload)), static.get(payload, ""))

    def parameters(self, payload: str) -> dict[str, str]:
        parts = ";".join(self.of("fmtp", payload)).split(";")
        pairs = (part.strip().partition("=") for part in parts if part.strip())
        return {key.lower(): value for key, _, value in pairs}


def read_offer(body: bytes) -> Offer:
    """The offer in `body`.

    Raises:
        CodecError: "sdp", it is malformed; "codec", it has no H.264 or no sound that can be
            recorded; "media", it offers something else than one video and one sound to send.
    """
    session, media = _sections(lines_of(body))
    for one in media:
        _check_direction(one)
    kinds = [one.kind for one in media]
    if kinds.count("video") != 1 or kinds.count("audio") > 1 or len(kinds) > 2:
        raise CodecError(
            "media",
            f"it offers {', '.join(kinds) or 'nothing'}; offer one video "
            "and at most one audio, and no data channel",
        )
    bundled = any(line.startswith("a=group:BUNDLE ") for line in session)
    if len(media) > 1 and not bundled:
        raise CodecError("media", "sound and picture are not bundled (a=group:BUNDLE)")
    picked = [_video(one) if one.kind == "video" else _audio(one) for one in media]
    texts = [
        _media_lines(session, one, payloads) for one, payloads in zip(media, picked, strict=True)
    ]
    mids = [_one(one.values("mid"), "mid") for one in media]
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    head.append(f"a=group:BUNDLE {' '.join(mids)}")
    at = kinds.index("video")
    payload = picked[at][0]
    told = media[at].parameters(payload)
    sound = media[1 - at].codec(picked[1 - at][0]) if len(media) > 1 else ""
    return Offer(
        text="\r\n".join([*head, *(line for lines in texts for line in lines), ""]),
        ufrag=_transport(session, media[0], "ice-ufrag")[0],
        video=int(payload),
        profile=told.get("profile-level-id", "42e01f"),
        mode=told.get("packetization-mode", "0"),
        audio=sound.partition("/")[0].lower() or None,
        parameter_sets=_parameter_sets(told.get("sprop-parameter-sets", "")),
    )


def _sections(lines: list[str]) -> tuple[list[str], list[_Media]]:
    if not lines or lines[0] != "v=0":
        raise CodecError("sdp", "it is no SDP; v=0 begins one")
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if not 0 < len(starts) <= _MAX_MEDIA:
        raise CodecError("media", f"it has {len(starts)} media; offer one video and one audio")
    media = []
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        words = lines[begin][2:].split(" ")
        if len(words) < 4 or not all(re.fullmatch(r"[0-9]{1,3}", one) for one in words[3:]):
            if words[0] in ("audio", "video"):
                raise CodecError("sdp", f"malformed: {lines[begin][:60]}")
            words = [words[0], "", ""]
        media.append(_Media(words[0], tuple(words[3:]), tuple(lines[begin + 1 : end])))
    return lines[: starts[0]], media


def _check_direction(media: _Media) -> None:
    if media.kind in ("audio", "video") and {"a=recvonly", "a=inactive"} & set(media.lines):
        raise CodecError("media", f"its {media.kind} is not to be sent; offer it sendonly")


def _video(media: _Media) -> list[str]:
    """The payload types to keep: H.264, and its retransmission (RFC 4588)."""
    found = [one for one in media.payloads if media.codec(one).upper() == "H264/90000"]
    if not found:
        names = sorted({media.codec(one).partition("/")[0] for one in media.payloads} - {"", "rtx"})
        raise CodecError("codec", f"its video is {', '.join(names)[:80]}; set it to H.264")
    # In fragments first (mode 1): a picture in single units has to be in tiny slices.
    modes = [media.parameters(one).get("packetization-mode", "0") for one in found]
    chosen = found[modes.index("1")] if "1" in modes else found[0]
    if modes[found.index(chosen)] not in ("0", "1"):
        raise CodecError("codec", "its H.264 is interleaved; set packetization-mode to 1")
    if not _PROFILE.fullmatch(media.parameters(chosen).get("profile-level-id", "42e01f")):
        raise CodecError("sdp", "malformed profile-level-id")
    again = [one for one in media.payloads if media.codec(one).lower() == "rtx/90000"]
    return [chosen, *(one for one in again if media.parameters(one).get("apt") == chosen)][:2]


def _audio(media: _Media) -> list[str]:
    for name in _SOUND:
        for one in media.payloads:
            if media.codec(one).lower() == name.lower():
                return [one]
    names = sorted({media.codec(one).partition("/")[0] for one in media.payloads} - {""})
    raise CodecError("codec", f"its sound is {', '.join(names)[:80]}; set it to Opus")


def _one(values: list[str], name: str) -> str:
    if not values or not _OWN[name].fullmatch(values[0]):
        raise CodecError("sdp", f"malformed or missing: {name}")
    return values[0]


def _transport(session: list[str], media: _Media, name: str) -> list[str]:
    """What the media says, or for all media the session."""
    start = f"a={name}:"
    found = media.values(name) or [one[len(start) :] for one in session if one.startswith(start)]
    if not found or not all(_TRANSPORT[name].fullmatch(one) for one in found[:4]):
        raise CodecError("sdp", f"malformed or missing: {name}")
    return found[:4]


def _media_lines(session: list[str], media: _Media, payloads: list[str]) -> Iterator[str]:
    yield f"m={media.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(payloads)}"
    yield "c=IN IP4 0.0.0.0"
    for name in _TRANSPORT:
        yield from (f"a={name}:{value}" for value in _transport(session, media, name))
    yield f"a=mid:{_one(media.values('mid'), 'mid')}"
    yield "a=sendonly"
    yield "a=rtcp-mux"
    for name in ("ssrc", "ssrc-group", "extmap"):
        good = (one for one in media.values(name) if _OWN[name].fullmatch(one))
        yield from (f"a={name}:{value}" for value in list(good)[:16])
    for payload in payloads:
        yield f"a=rtpmap:{payload} {media.codec(payload)}"
        told = {*media.of("rtcp-fb", payload), *media.of("rtcp-fb", "*")}
        yield from (f"a=rtcp-fb:{payload} {kind}" for kind in _FEEDBACK if kind in told)
    if media.kind == "video":
        yield f"a=fmtp:{payloads[0]} {_USUAL_H264}"
        yield from (f"a=fmtp:{again} apt={payloads[0]}" for again in payloads[1:])
    # Not "a=end-of-candidates": a publisher behind a name is found by its own checks, later.
    yield from (f"a={one}" for one in read_candidates(media.lines))


def _parameter_sets(text: str) -> tuple[bytes, ...]:
    if len(text) > _MAX_SETS_BYTES:
        return ()
    try:
        return tuple(base64.b64decode(part, validate=True) for part in text.split(",") if part)
    except binascii.Error:
        return ()


def finish_answer(answer: str, offer: Offer) -> str:
    """`answer` as the publisher is told: in the profile that it offered, and candidates may come
    later (RFC 8840 4.1).
    """
    usual = f"a=fmtp:{offer.video} "
    told = f"{usual}level-asymmetry-allowed=1;packetization-mode={offer.mode}"
    lines = []
    for line in answer.replace("\r\n", "\n").split("\n"):
        lines.append(f"{told};profile-level-id={offer.profile}" if line.startswith(usual) else line)
        if line.startswith("a=ice-pwd:"):
            lines.append("a=ice-options:trickle")
    return "\r\n".join(lines)
