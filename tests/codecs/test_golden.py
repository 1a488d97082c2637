"""Golden vectors: what docs/protocol.md says, byte by byte, written by hand from its tables.

They are for whoever writes a kit in another language, and against a change of bytes by accident.
Hex is grouped by field; msgpack's own bytes (https://github.com/msgpack/msgpack/blob/master/spec.md):
90+n array, 80+n map, a0+n text, c4 n binary, cd/cf unsigned of 2/8 bytes, c0 nothing.
"""

import hashlib

from fieldlink.codecs.bundle import (
    Gap,
    Manifest,
    Mark,
    Ranges,
    bundle_id,
    decode_gap,
    decode_manifest,
    decode_mark,
    encode_gap,
    encode_manifest,
    encode_mark,
)
from fieldlink.codecs.wire import (
    Ack,
    AckItem,
    Ask,
    Chunk,
    Frame,
    Hello,
    Orders,
    Purpose,
    State,
    Verdict,
    Want,
    Welcome,
    chunk_digest,
    decode_frame,
    encode_frame,
)

HELLO_256 = "324dcf027dd4a30a932c441f365a25e86b173defa4b8e58948253471b81b72cf"  # b2sum -l 256
HELLO_128 = "46fb7408d4f285228f4af516ea25851b"  # printf hello | b2sum -l 128
T0 = "cf 00060a24181e4000"  # 1,700,000,000,000,000 us, 2023-11-14T22:13:20Z
MANIFEST = f"""
    dc 0011                 array of 17
    01                      version
    a5 6b69742d31           kit "kit-1"
    c4 08 0001020304050607  spool
    07                      sequence
    a5 63616d2d31           device "cam-1"
    a5 766964656f           stream "video"
    a5 7374696c6c           layer "still"
    01                      precedence IMMEDIATE
    {T0}                    start
    cf 00060a24181edc40     end, 40 ms later
    cf 00060a24181fc6a0     recorded, 100 ms later
    c0                      no deadline
    cd 01f4                 clock error 500 us
    aa 696d6167652f77656270 media type "image/webp"
    05                      size
    c4 20 {HELLO_256}       content's hash
    82 a6 686569676874 cd 0168   meta, sorted: "height" 360
       a5 7769647468   cd 0280   "width" 640
"""
STILL_ID = "53908302d78d7343e6ec245bb99d0674d657097fb841cd67c427fcfeb452fe28"


def octets(commented: str) -> bytes:
    """The bytes of a commented dump: in each line, hex words up to the first that is none."""
    found = ""
    for line in commented.splitlines():
        for word in line.split():
            if len(word) % 2 or set(word) - set("0123456789abcdef"):
                break
            found += word
    return bytes.fromhex(found)


def test_a_manifest_packs_as_the_table_says(still: Manifest) -> None:
    assert encode_manifest(still).hex() == octets(MANIFEST).hex()
    assert decode_manifest(octets(MANIFEST)) == still


def test_a_bundle_is_named_by_the_hash_of_its_manifest() -> None:
    expected = hashlib.blake2b(octets(MANIFEST), digest_size=32).hexdigest()
    assert bundle_id(octets(MANIFEST)).hex() == expected == STILL_ID


def test_a_gap_packs_as_the_table_says() -> None:
    gap = Gap("cam-1", "video", 1_700_000_000_000_000, 1_700_000_005_000_000, "source: refused")
    golden = octets(f"""
        97                      array of 7
        01                      version
        a5 63616d2d31           device
        a5 766964656f           stream
        {T0}                    start
        cf 00060a24186a8b40     end, 5 s later
        af 736f757263653a2072656675736564   reason "source: refused"
        a0                      layer: all of it
    """)
    assert encode_gap(gap) == golden
    assert decode_gap(golden) == gap


def check(frame: Frame, commented: str) -> None:
    """`frame` is these bytes, and these bytes are `frame`."""
    golden = octets(commented)
    assert encode_frame(frame).hex() == golden.hex()
    assert decode_frame(golden) == frame


def test_a_chunk_packs_as_the_table_says() -> None:
    bundle, digest = bytes.fromhex(STILL_ID), chunk_digest(b"hello")
    check(
        Chunk(bundle, 0, 5, digest, "eth0", 1_700_000_000_000_000, None, b"hello"),
        f"""
        f1 01 00000047          magic, version, 71 bytes of header
        98                      array of 8
        01                      Chunk
        c4 20 {STILL_ID}        bundle
        00 05                   offset, size
        c4 10 {HELLO_128}       digest of the payload
        a4 65746830             bearer "eth0"
        {T0}                    sent
        c0                      no manifest
        68656c6c6f              payload "hello"
        """,
    )


def test_a_first_chunk_carries_the_manifest() -> None:
    bundle, manifest = bytes.fromhex(STILL_ID), octets(MANIFEST)
    check(
        Chunk(bundle, 0, 5, chunk_digest(b"hello"), "eth0", 1, manifest, b"hello"),
        f"""
        f1 01 000000c9          201 bytes of header
        98 01 c4 20 {STILL_ID} 00 05
        c4 10 {HELLO_128}
        a4 65746830
        01
        c4 89 {manifest.hex()}
        68656c6c6f
        """,
    )


def test_an_ask_packs_as_the_table_says() -> None:
    check(
        Ask((bytes.fromhex(STILL_ID),)),
        f"f1 01 00000025\n 92 02\n 91 c4 20 {STILL_ID}",
    )


def test_a_hello_packs_as_the_table_says() -> None:
    check(
        Hello("fieldlink/1", bytes(range(8)), 1_700_000_000_000_000, "eth0", {"uav": "drone"}),
        f"""
        f1 01 00000031
        96 03                   Hello
        ab 6669656c646c696e6b2f31   software
        c4 08 0001020304050607  spool
        {T0}                    the kit's clock
        a4 65746830             bearer
        81 a3 756176 a5 64726f6e65  "uav" is a "drone"
        """,
    )


def test_a_state_packs_as_the_table_says() -> None:
    check(
        State(1_700_000_000_000_000, {"pending": 3}),
        f"f1 01 00000015\n 93 04\n {T0}\n 81 a7 70656e64696e67 03",
    )


def test_an_ack_packs_as_the_table_says() -> None:
    bundle = bytes.fromhex(STILL_ID)
    check(
        Ack(
            (
                AckItem(bundle, Verdict.HAVE, 1, Ranges([(0, 2), (4, 5)])),
                AckItem(bundle, Verdict.CUSTODY, 2),
                AckItem(bundle, Verdict.REFUSED, 3, reason="size: x"),
            )
        ),
        f"""
        f1 01 00000083          3 + 43 + 39 + 46 bytes of header
        92 05 93                Ack of three answers
        95 c4 20 {STILL_ID} 00 01 94 00 02 04 05
        a0
        95 c4 20 {STILL_ID} 01 02 90
        a0
        95 c4 20 {STILL_ID} 02 03 90
        a7 73697a653a2078       "size: x"
        """,
    )


def test_a_welcome_packs_as_the_table_says() -> None:
    check(
        Welcome(bytes(range(8)), 1_700_000_000_000_000, "省中心"),
        f"""
        f1 01 0000001f
        94 06                   Welcome
        c4 08 0001020304050607  run
        {T0}                    the centre's clock
        a9 e79c81e4b8ade5bf83   its name in UTF-8
        """,
    )


def test_orders_pack_as_the_table_says() -> None:
    want = Want(bytes(range(8)), Purpose.KEEP, "cam-1", "", "original", 1, 2)
    start_us = 1_700_000_000_000_000
    check(
        Orders(3, start_us, "flood", start_us, start_us + 7_200_000_000, (want,)),
        f"""
        f1 01 00000043
        97 07 03                Orders, revision
        {T0}                    the centre's clock
        a5 666c6f6f64           incident "flood"
        {T0}                    T0
        cf 00060a25c5458800     the end of its window, 2 h later
        91 97                   one want
        c4 08 0001020304050607  its id
        01                      KEEP
        a5 63616d2d31 a0        device "cam-1", any stream
        a8 6f726967696e616c     layer "original"
        01 02                   from, to
        """,
    )


def test_a_mark_packs_as_the_table_says() -> None:
    mark = Mark("cam-1", "video", 1, 2, "溃口")
    packed = octets("96 01 a5 63616d2d31 a5 766964656f 01 02\n a6 e6ba83e58fa3  a note, in UTF-8")
    assert encode_mark(mark) == packed
    assert decode_mark(packed) == mark
