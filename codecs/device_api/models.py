"""What a device may say on each topic, as models: they check a message, and their JSON Schema is
published. The columns of the fixed streams come from `codecs/telemetry`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

from fieldlink.codecs.telemetry import AIR, BATTERY, POSITION, VITALS, Column, Schema

__all__ = [
    "MAX_BATCH",
    "MAX_TEXT",
    "MODELS",
    "STREAMS",
    "Envelope",
    "SeriesList",
    "SeriesMap",
    "json_schema",
]

MAX_BATCH = 2_000
MAX_TEXT = 1_000
_MAX_ALARM_TEXT = 256
_MAX_COUNT = 2**60 - 1
_MAX_VALUE = 1e12
_WORDS = {
    "lat": "latitude, WGS-84, north positive; null without a fix",
    "lon": "longitude, WGS-84, east positive; null without a fix",
    "alt": "above mean sea level",
    "heading": "course over ground, from north clockwise",
    "speed": "over ground",
    "accuracy": "horizontal, 68 %",
    "satellites": "used",
    "fix": "0 none, 1 GNSS, 2 differential, 4 RTK, 5 RTK float",
    "still_for": "how long nothing moved",
    "motion": "acceleration without gravity, root mean square",
    "posture": "0 upright, 1 bent, 2 lying, 3 falling",
    "current": "positive charges",
    "charging": "0 or 1",
    "pressure": "in the cylinder",
    "remaining": "how long the air lasts",
}

Count = Annotated[int, Field(ge=0, le=_MAX_COUNT)]
Number = Annotated[float, Field(ge=-_MAX_VALUE, le=_MAX_VALUE)]


class Envelope(BaseModel):
    """What may stand in every message. Keys that nobody knows are counted, and ignored."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, frozen=True)

    time: float | str | None = Field(
        default=None,
        description="When it was measured, UTC: ISO 8601 text with Z or an offset, or seconds "
        "since 1970. Without a time it is when the message arrived.",
    )
    time_ms: Count | None = Field(
        default=None, description="The same in whole milliseconds since 1970, instead of time."
    )
    time_us: Count | None = Field(
        default=None, description="The same in whole microseconds since 1970, instead of time."
    )
    seq: Count | None = Field(
        default=None,
        description="The device's own number of this message on this topic. With boot it makes a "
        "message sent twice the same one; without, it is only echoed in the receipt.",
    )
    boot: Count | None = Field(
        default=None,
        description="The run that seq counts in: a boot counter, or when it began. "
        "A device that starts seq anew takes another.",
    )
    id: Annotated[str, Field(max_length=64)] | Count | None = Field(
        default=None, description="Anything that the device wants back in the receipt."
    )
    stored: bool = Field(
        default=False, description="True: it was stored on the device and comes late."
    )
    exercise: bool = Field(default=False, description="True: of an exercise, nothing real.")


class _Position(Envelope):
    datum: Literal["wgs84", "gcj02"] = Field(
        default="wgs84", description="gcj02 (国测局坐标) is converted to WGS-84, and marked."
    )


class Call(Envelope):
    """A person's or a device's call for help; it goes before everything else."""

    active: bool = Field(description="True: it begins, or goes on. False: it is over.")
    text: Annotated[str, Field(max_length=_MAX_ALARM_TEXT)] = Field(
        default="", description="Words with it."
    )
    lat: Number | None = Field(default=None, description="Latitude, WGS-84, deg.")
    lon: Number | None = Field(default=None, description="Longitude, WGS-84, deg.")
    datum: Literal["wgs84", "gcj02"] = Field(default="wgs84", description="As in a position.")


class Text(Envelope):
    """Words that somebody wrote."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] = Field(description="The words.")
    from_: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, alias="from", description="Who wrote them."
    )


class Sensor(BaseModel):
    """One sensor's value."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, frozen=True)

    v: Number | None = Field(description="The value; null when it cannot be read.")
    unit: Annotated[str, Field(max_length=16)] = Field(
        default="", description='Its unit, in UCUM where that has it: "mm", "Cel", "m/s".'
    )
    decimals: Annotated[int, Field(ge=0, le=9)] = Field(
        default=3, description="How many decimals are kept."
    )


class NamedSensor(Sensor):
    """One sensor's value, with its name."""

    name: str = Field(description="1 to 32 of a-z, 0-9, _, . and -.")


class SeriesMap(Envelope):
    """Values of named sensors, by their names."""

    values: Annotated[dict[str, Sensor], Field(min_length=1, max_length=64)] = Field(
        description='{"rain": {"v": 3.2, "unit": "mm"}}; names are 1 to 32 of a-z, 0-9, _, . and -.'
    )


class SeriesList(Envelope):
    """Values of named sensors, as a list."""

    values: Annotated[list[NamedSensor], Field(min_length=1, max_length=64)] = Field(
        description='[{"name": "rain", "v": 3.2, "unit": "mm"}].'
    )


def _described(column: Column) -> str:
    unit = f", {column.unit}" if column.unit else ""
    return f"{_WORDS.get(column.name, column.name.replace('_', ' '))}{unit}".capitalize() + "."


def _model(schema: Schema, base: type[Envelope] = Envelope) -> type[Envelope]:
    fields: dict[str, Any] = {
        column.name: (Number | None, Field(default=None, description=_described(column)))
        for column in schema.columns
    }
    return create_model(schema.stream.capitalize(), __base__=base, **fields)


MODELS: dict[str, tuple[type[Envelope], ...]] = {
    "position": (_model(POSITION, _Position),),
    "vitals": (_model(VITALS),),
    "battery": (_model(BATTERY),),
    "air": (_model(AIR),),
    "sos": (Call,),
    "man_down": (Call,),
    "series": (SeriesMap, SeriesList),
    "text": (Text,),
}
"""The models of what each topic carries."""

STREAMS = tuple(MODELS)
"""The last level of a topic that a device may publish."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every topic's messages; `properties` has one for each topic."""
    models = dict.fromkeys(model for found in MODELS.values() for model in found)
    places, made = models_json_schema([(model, "validation") for model in models])
    topics = {}
    for stream, found in MODELS.items():
        one: list[Any] = [places[model, "validation"] for model in found]
        batch = {
            "type": "array",
            "items": one[0] if len(one) == 1 else {"anyOf": one},
            "minItems": 1,
            "maxItems": MAX_BATCH,
        }
        topics[stream] = {
            "description": f"What fl/dev/<device>/{stream} carries: one message, or a batch.",
            "anyOf": [*one, batch],
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fieldlink's device API",
        "description": "Messages of devices around a kit, by the last level of their topic.",
        "type": "object",
        "properties": topics,
        "$defs": made["$defs"],
    }
