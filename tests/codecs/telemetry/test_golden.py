"""Golden vectors: blocks and a sheaf byte by byte, written by hand from docs/protocol.md."""

from fieldlink.codecs.telemetry import (
    BATTERY,
    POSITION,
    Block,
    Column,
    Detail,
    Flag,
    Sample,
    Schema,
    decode_block,
    decode_sheaf,
    encode_block,
    encode_sheaf,
)

T_US = 1_750_000_000_000_000  # 2025-06-15T15:06:40Z
TIME = "80 80 db 85 b4 e7 9b 06"  # 3,500,000,000,000,000: zigzag of T_US
BASE = "80 c0 ed 82 da f3 8d 03"  # T_US itself

SINGLE = f"""
    01                      version
    06 62616c6c2d31         device "ball-1"
    04 62616c6c             kind "ball"
    03                      schema 3, battery
    05                      epoch
    dd0b                    error of the times, 1501: 1500 us
    51                      head: one sample, some unknown, quiet
    10                      unknown: bit 4, the third value
    {TIME}                  time
    12                      sequence 9
    d60d                    level 875, 87.5 %
    f0c401                  voltage 12600, 12.6 V
    a403                    temperature 210, 21 Cel
    00                      charging 0
"""
GAS = f"""
    01                      version
    08 73656e736f722d37     device "sensor-7"
    06 73656e736f72         kind "sensor"
    00                      schema, spelled out
    03 676173               stream "gas"
    02                      columns
    03 6e6833               "nh3"
    05 5b70706d5d           "[ppm]"
    01                      one decimal
    05 7374617465           "state"
    00                      no unit
    80                      text
    00                      epoch
    00                      error of the times: unknown
    7a                      head: offset, detail 2, some unknown, contiguous, quiet
    06                      samples
    f303                    offset -250 us
    04                      unknown: bit 2, the first value
    bf                      time: order 2, nothing left
    {TIME}                  first
    80897a                  slope 1,000,000
    c801                    first sequence, 100
    02                      nh3: which are there, in bits
    ec                      1 1 1 0 1 1
    44                      order 1, Rice with k = 3
    18                      first 12
    42 2e 04                2, 0, 4, 50: 010 000 100 010, then 1 1 1 0000001
    02                      state: two texts
    00                      not squeezed
    08                      bytes
    02 6f6b                 "ok"
    04 68696768             "high"
    41                      which: order 1, Rice with k = 0
    00                      first 0
    f2                      0, 0, 0, 0, 2: 1 1 1 1 001
"""
SHEAF = f"""
    01                      version
    00                      not squeezed
    {BASE}                  time of reference
    dd0b                    error of the times, 1500 us
    01                      schemas
    01                      schema 1, position
    01                      references follow
    80c2e9a302              lat 306,000,000
    8090e9df07              lon 1,040,000,000
    80a006                  alt 51,200
    00                      heading: nobody has one
    00                      speed 0
    1e                      accuracy 15
    18                      satellites 12
    02                      fix 1
    01                      epochs
    07                      7
    01                      kinds
    07 736f6c64696572       "soldier"
    02                      devices
    00                      shares nothing
    06 7465616d2d31         "team-1"
    05                      shares "team-"
    01 32                   "team-2"
    3f 00                   kinds: all 0
    02                      blocks
    3f 02                   devices: each one further
    3f 00                   schemas: all 0
    3f 00                   epochs: all 0
    bf 18 08                lengths: 12, and 4 more
    51                      first body: one sample, some unknown, quiet
    2000                    unknown: bit 5, heading
    00                      time: that of reference
    06                      sequence 3
    00 00 00 00 00 00 00    as the references
    11                      second body: one sample, some unknown
    8000                    unknown: bit 7, heading
    bf3e                    4 ms before the reference
    12                      sequence 9
    8008                    flags 512
    00                      error as said above
    4f                      40 south of the reference
    00 00 00 00 00 00       as the references
"""


def octets(commented: str) -> bytes:
    """The bytes of a commented dump: in each line, hex words up to the first that is none."""
    found = ""
    for line in commented.splitlines():
        for word in line[:28].split():
            if len(word) % 2 or set(word) - set("0123456789abcdef"):
                break
            found += word
    return bytes.fromhex(found)


def test_one_sample_is_packed_as_the_protocol_says() -> None:
    sample = Sample(T_US, 9, (875, 12_600, None, 210, 0), 0, 1500)
    block = Block("ball-1", "ball", BATTERY, 5, (sample,))
    assert encode_block(block).hex() == octets(SINGLE).hex()
    assert decode_block(octets(SINGLE)) == block


def test_columns_are_packed_as_the_protocol_says() -> None:
    schema = Schema("gas", (Column("nh3", "[ppm]", 1), Column("state", is_text=True)))
    values = zip([12, 13, 13, None, 15, 40], ["ok"] * 5 + ["high"], strict=True)
    samples = tuple(
        Sample(T_US + place * 1_000_000, 100 + place, row) for place, row in enumerate(values)
    )
    block = Block("sensor-7", "sensor", schema, 0, samples, -250, Detail.CHANGE)
    assert encode_block(block).hex() == octets(GAS).hex()
    assert decode_block(octets(GAS)) == block


def test_a_sheaf_is_packed_as_the_protocol_says() -> None:
    def team(device: str, sample: Sample) -> Block:
        return Block(device, "soldier", POSITION, 7, (sample,))

    row = (306_000_000, 1_040_000_000, 51_200, None, 0, 15, 12, 1)
    south = (305_999_960, *row[1:])
    blocks = (
        team("team-1", Sample(T_US, 3, row, 0, 1500)),
        team("team-2", Sample(T_US - 4000, 9, south, Flag.ALARM.value, 1500)),
    )
    assert encode_sheaf(blocks).hex() == octets(SHEAF).hex()
    assert decode_sheaf(octets(SHEAF)) == blocks
