"""What a frame is worth when not all fit, and what answers what.

Both are tables by message id: the router decodes no payloads but a few bytes of requests.
"""

from struct import Struct

from fieldlink.codecs.mavlink import Frame, ids_of

__all__ = ["ANSWER", "ANSWERS", "BULK", "REST", "STATE", "URGENT", "asked_for", "value_of"]

URGENT, ANSWER, STATE, REST, BULK = 0, 1, 2, 3, 4
"""Lower is worth more. STATE and REST are worth nothing once a newer one is there."""

REQUEST_MESSAGE = 512
_COMMAND_LONG, _COMMAND_INT = 76, 75
_FLOAT = Struct("<f").unpack_from
_WORD = Struct("<H").unpack_from


_MISSION = ids_of(
    "MISSION_COUNT MISSION_ITEM MISSION_ITEM_INT MISSION_REQUEST MISSION_REQUEST_INT MISSION_ACK"
)
_PARAMETERS = ids_of("PARAM_VALUE PARAM_ERROR")
_EXTENDED = ids_of("PARAM_EXT_VALUE PARAM_EXT_ACK")
_LOGS = ids_of("LOG_ENTRY LOG_DATA")

ANSWERS: dict[int, frozenset[int]] = {
    **dict.fromkeys(ids_of("PARAM_REQUEST_LIST PARAM_REQUEST_READ PARAM_SET"), _PARAMETERS),
    **dict.fromkeys(
        ids_of("PARAM_EXT_REQUEST_LIST PARAM_EXT_REQUEST_READ PARAM_EXT_SET"), _EXTENDED
    ),
    **dict.fromkeys(
        _MISSION
        | ids_of("MISSION_REQUEST_LIST MISSION_CLEAR_ALL MISSION_SET_CURRENT")
        | ids_of("MISSION_REQUEST_PARTIAL_LIST MISSION_WRITE_PARTIAL_LIST"),
        _MISSION | ids_of("MISSION_CURRENT"),
    ),
    **dict.fromkeys(ids_of("LOG_REQUEST_LIST LOG_REQUEST_DATA"), _LOGS),
    **dict.fromkeys(ids_of("FILE_TRANSFER_PROTOCOL"), ids_of("FILE_TRANSFER_PROTOCOL")),
    **dict.fromkeys(ids_of("TIMESYNC"), ids_of("TIMESYNC")),
    **dict.fromkeys(ids_of("PING"), ids_of("PING")),
    **dict.fromkeys(ids_of("SETUP_SIGNING"), frozenset()),
    **dict.fromkeys(ids_of("FENCE_FETCH_POINT"), ids_of("FENCE_POINT")),
    **dict.fromkeys(ids_of("RALLY_FETCH_POINT"), ids_of("RALLY_POINT")),
    **dict.fromkeys(ids_of("REMOTE_LOG_BLOCK_STATUS"), ids_of("REMOTE_LOG_DATA_BLOCK")),
    **dict.fromkeys((_COMMAND_LONG, _COMMAND_INT), ids_of("COMMAND_ACK")),
}
"""A request's id -> the ids of what is said to it."""

# Commands that ask for a message, before REQUEST_MESSAGE became the one for all.
_BY_COMMAND = {
    410: ids_of("HOME_POSITION"),
    519: ids_of("PROTOCOL_VERSION"),
    520: ids_of("AUTOPILOT_VERSION"),
    521: ids_of("CAMERA_INFORMATION"),
    522: ids_of("CAMERA_SETTINGS"),
    525: ids_of("STORAGE_INFORMATION"),
    527: ids_of("CAMERA_CAPTURE_STATUS"),
    528: ids_of("FLIGHT_INFORMATION"),
    2504: ids_of("VIDEO_STREAM_INFORMATION"),
    2505: ids_of("VIDEO_STREAM_STATUS"),
}

_VALUES = {
    **dict.fromkeys(frozenset().union(*ANSWERS.values()) | frozenset(ANSWERS), ANSWER),
    **dict.fromkeys(
        ids_of("HEARTBEAT STATUSTEXT COMMAND_ACK COMMAND_LONG COMMAND_INT")
        | ids_of("SET_MODE HIGH_LATENCY2 COLLISION MANUAL_CONTROL RC_CHANNELS_OVERRIDE"),
        URGENT,
    ),
    **dict.fromkeys(
        ids_of("GLOBAL_POSITION_INT ATTITUDE VFR_HUD SYS_STATUS GPS_RAW_INT BATTERY_STATUS")
        | ids_of("RADIO_STATUS MISSION_CURRENT ADSB_VEHICLE OPEN_DRONE_ID_LOCATION"),
        STATE,
    ),
    **dict.fromkeys(
        ids_of("LOG_DATA REMOTE_LOG_DATA_BLOCK ENCAPSULATED_DATA LOGGING_DATA LOGGING_DATA_ACKED"),
        BULK,
    ),
}


def value_of(msgid: int) -> int:
    """What a message is worth when not all fit."""
    return _VALUES.get(msgid, REST)


def asked_for(frame: Frame) -> tuple[frozenset[int], bool]:
    """The messages that `frame` asks for, none for most; and whether each is said once only."""
    answers = ANSWERS.get(frame.msgid)
    if answers is None or frame.msgid not in (_COMMAND_LONG, _COMMAND_INT):
        return answers or frozenset(), False
    payload = frame.payload.ljust(33, b"\0")
    command = _WORD(payload, 28)[0]
    if command == REQUEST_MESSAGE:
        wanted = _FLOAT(payload, 0)[0]
        if 0 <= wanted < 1 << 24:  # neither NaN nor infinite
            answers |= {int(wanted)}
    return answers | _BY_COMMAND.get(command, frozenset()), True
