"""Events: health messages (hms) and others; requests of a gateway, and what they are answered.

What a gateway asks for must be answered, at least with a refusal: a dock waits about 40 s for maps
before each take-off on old firmware when nobody says that there are none (the vendor's FAQ).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import Reader

__all__ = [
    "NOT_SUPPORTED",
    "Health",
    "answer_request",
    "health_data",
    "read_health",
    "read_result",
]

_MAX_HEALTH = 64
_CODE = re.compile(r"0x[0-9A-Fa-f]{1,8}")
_MODEL = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,6}){1,3}")
_LEVELS = (("notice", "通知"), ("caution", "提醒"), ("warning", "警告"))

NOT_SUPPORTED = 1
"""A result other than 0: it is not to be had here. The vendor lists none for servers."""


@dataclass(frozen=True, slots=True)
class Health:
    """One health message. `level` 0 notice, 1 caution, 2 warning. What a code means is in the
    vendor's list, which is not part of this: the code is what to look up.
    """

    code: str
    level: int = 0
    imminent: bool = False
    in_the_sky: bool = False
    module: int | None = None
    device: str | None = None

    @property
    def words(self) -> str:
        """For people, both languages."""
        english, chinese = _LEVELS[min(self.level, 2)]
        where = (" in flight", "（飞行中）") if self.in_the_sky else ("", "")
        return f"DJI {english} {self.code}{where[0]} 大疆{chinese}{where[1]}"


def read_health(data: Any) -> tuple[Health, ...]:
    """The data of `hms`: everything that is wrong at present.

    Raises:
        CodecError: it is none; names the key.
    """
    found: dict[str, Health] = {}
    for one in Reader(data, "data.").each("list", _MAX_HEALTH):
        code = one.needed("code", one.text("code", 16))
        if not _CODE.fullmatch(code):
            one.needed("code", None)
        device = one.text("device_type", 32)
        health = Health(
            code.lower(),
            one.integer("level", 0, 9) or 0,
            bool(one.integer("imminent", 0, 1)),
            bool(one.integer("in_the_sky", 0, 1)),
            one.integer("module", 0, 99),
            device if device and _MODEL.fullmatch(device) else None,
        )
        known = found.get(health.code)
        if known is None or health.level > known.level:
            found[health.code] = health
    return tuple(found.values())


def health_data(found: tuple[Health, ...]) -> dict[str, Any]:
    """The data that `found` is read from."""
    return {
        "list": [
            {
                "code": one.code,
                "level": one.level,
                "module": one.module,
                "in_the_sky": int(one.in_the_sky),
                "imminent": int(one.imminent),
                "device_type": one.device,
            }
            for one in found
        ]
    }


def read_result(data: Any) -> int:
    """`data.result` of a reply.

    Raises:
        CodecError: there is none.
    """
    reader = Reader(data, "data.")
    return reader.needed("result", reader.integer("result", -(2**31), 2**31))


def answer_request(
    method: str, data: Any, settings: Mapping[str, Any], gateway: str
) -> tuple[dict[str, Any], bool]:
    """What a request is answered with, and whether that is what was asked for.

    `settings` is what `config` gets: app_id, app_key, app_license, ntp_server_host.

    Raises:
        CodecError: the request is malformed.
    """
    reader = Reader(data, "data.")
    if method == "config":
        if reader.text("config_scope", 32) in (None, "product") and settings.get("app_id"):
            return dict(settings), True
        return {"result": NOT_SUPPORTED}, False
    if method == "airport_bind_status":
        asked = [one.text("sn", 32) or "" for one in reader.each("devices", 8)]
        return {"result": 0, "output": {"bind_status": [_bound(sn) for sn in asked]}}, True
    if method in ("airport_organization_get", "airport_organization_bind"):
        names = [one.text("sn", 32) or "" for one in reader.each("bind_devices", 8)]
        errors = [{"sn": sn, "err_code": 0} for sn in names or [gateway]]
        is_bind = method == "airport_organization_bind"
        return {
            "result": 0,
            "output": {"err_infos": errors} if is_bind else {"organization_name": "Fieldlink"},
        }, True
    if method in ("offline_map_get", "flight_areas_get"):
        return {"result": 0}, True  # there are none
    return {"result": NOT_SUPPORTED}, False


def _bound(sn: str) -> dict[str, Any]:
    return {
        "sn": sn,
        "is_device_bind_organization": True,
        "organization_id": "fieldlink",
        "organization_name": "Fieldlink",
        "device_callsign": sn[-6:],
    }
