"""RFC 6381 names from configuration boxes, with vectors written down elsewhere."""

import pytest

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mp4.codec_names import codec_name
from fieldlink.codecs.mp4.tracks import Track

# hvcC: version, space/tier/profile, compatibility (32 bits), constraints (48 bits), level
_HEVC_MAIN = "010160000000b000000000005d"
_HEVC_MAIN_10_HIGH = "01222000000090000000000099"


def _esds(object_type: str, specific: str) -> str:
    """ES descriptor > decoder configuration > decoder-specific information (14496-1 7.2.6)."""
    decoder = object_type + "15" + "000000" + "00000000" * 2 + specific
    decoder = "04" + f"{len(decoder) // 2:02x}" + decoder
    stream = "0002" + "00" + decoder + "060102"
    return "00000000" + "03" + f"{len(stream) // 2:02x}" + stream


def _track(entry: str, config: str) -> Track:
    return Track(1, "vide", 90_000, entry, bytes.fromhex(config))


@pytest.mark.parametrize(
    ("entry", "config", "name"),
    [
        ("avc1", "0164001fffe1", "avc1.64001f"),  # RFC 6381 3.3: high, level 3.1
        ("avc1", "0142c01effe1", "avc1.42c01e"),
        # ISO/IEC 14496-15 E.3: Main, level 3.1 (93), progressive and non-packed flags (b0)
        ("hvc1", _HEVC_MAIN, "hvc1.1.6.L93.B0"),
        ("hvc1", _HEVC_MAIN_10_HIGH, "hvc1.2.4.H153.90"),
        ("av01", "81000c00", "av01.0.00M.08"),
        ("av01", "81084c00", "av01.0.08M.10"),  # AV1 ISOBMFF 5: 10 bits
        ("Opus", "00", "opus"),
        ("mp4a", _esds("40", "05021210"), "mp4a.40.2"),  # AAC-LC
        ("mp4a", _esds("40", "0580808002f8f0"), "mp4a.40.39"),  # an escaped object type: ER AAC
        ("mp4a", _esds("6b", ""), "mp4a.6b"),  # MPEG-1 layer 3
    ],
)
def test_a_codec_is_named_as_the_standards_say(entry: str, config: str, name: str) -> None:
    assert codec_name(_track(entry, config)) == name


@pytest.mark.parametrize("entry", ["avc1", "hvc1", "av01", "mp4a"])
def test_a_configuration_that_is_cut_short_is_refused(entry: str) -> None:
    with pytest.raises(CodecError, match="cut short"):
        codec_name(_track(entry, "01"))
