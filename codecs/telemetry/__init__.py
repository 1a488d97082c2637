"""Telemetry: what devices measure, the alarms they raise, and how both travel.

Pure values and bytes. `columns` says what a stream measures, `samples` what was measured, `block`
packs a series in columns, `sheaf` binds blocks of many devices into one bundle's content.
`thinning` makes fewer samples and `merging` larger blocks; `alarm` is the other kind of report.
"""

from .alarm import (
    ALARM_ID_BYTES,
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    Alarm,
    AlarmKind,
    Phase,
    decode_alarm,
    encode_alarm,
)
from .block import MAX_CELLS, decode_block, encode_block
from .columns import AIR, BATTERY, POSITION, SCHEMAS, TEXT, VITALS, Column, Schema
from .merging import MERGED_SAMPLES, merge
from .poses import OLDEST_US, Poses
from .samples import MAX_SAMPLES, Block, Detail, Flag, Sample, Value
from .sheaf import (
    KIT_DEVICE,
    MAX_SHEAF_BYTES,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    decode_sheaf,
    encode_sheaf,
    iter_sheaf,
)
from .texts import MAX_TEXT_BYTES, check_text, clean_text
from .thinning import USUAL_AMOUNTS, Thinning, thin

__all__ = [
    "AIR",
    "ALARM_ID_BYTES",
    "ALARM_MEDIA_TYPE",
    "ALARM_STREAM",
    "BATTERY",
    "KIT_DEVICE",
    "MAX_CELLS",
    "MAX_SAMPLES",
    "MAX_SHEAF_BYTES",
    "MAX_TEXT_BYTES",
    "MERGED_SAMPLES",
    "OLDEST_US",
    "POSITION",
    "SCHEMAS",
    "SHEAF_MEDIA_TYPE",
    "SHEAF_STREAM",
    "TEXT",
    "USUAL_AMOUNTS",
    "VITALS",
    "Alarm",
    "AlarmKind",
    "Block",
    "Column",
    "Detail",
    "Flag",
    "Phase",
    "Poses",
    "Sample",
    "Schema",
    "Thinning",
    "Value",
    "check_text",
    "clean_text",
    "decode_alarm",
    "decode_block",
    "decode_sheaf",
    "encode_alarm",
    "encode_block",
    "encode_sheaf",
    "iter_sheaf",
    "merge",
    "thin",
]
