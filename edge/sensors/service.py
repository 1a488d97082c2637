"""The sensors of a kit as adapters: one for each, those on one Modbus line with one port."""

from collections.abc import Sequence
from typing import TypeAlias

from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.edge.sensors.limits import Watch
from fieldlink.edge.sensors.modbus_port import ModbusPort
from fieldlink.edge.sensors.modbus_sensor import ModbusSensor
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.sensors.station import Station
from fieldlink.edge.sensors.text_sensor import TextSensor
from fieldlink.edge.telemetry.ports import Intake, KitTime, Notice, Source

__all__ = ["end_forgotten", "make_ports", "make_sensors"]

_KINDS = (AlarmKind.THRESHOLD, AlarmKind.RATE, AlarmKind.GAS, AlarmKind.SILENCE)
_FORGOTTEN = "设置已改，不再监测 no longer watched: its settings were changed"

Ports: TypeAlias = dict[tuple[str | int, ...], ModbusPort]


def make_ports(sensors: Sequence[SensorSettings]) -> Ports:
    """A port for each Modbus line; its timeout is that of its slowest station."""
    slowest: dict[tuple[str | int, ...], SensorSettings] = {}
    for sensor in sensors:
        line = sensor.where.line
        if sensor.where.is_modbus and (
            line not in slowest or slowest[line].timeout < sensor.timeout
        ):
            slowest[line] = sensor
    return {line: ModbusPort(one.where, one.timeout) for line, one in slowest.items()}


def make_sensors(
    sensors: Sequence[SensorSettings], intake: Intake, time: KitTime
) -> list[ModbusSensor | TextSensor]:
    """One adapter for each sensor."""
    ports = make_ports(sensors)
    made: list[ModbusSensor | TextSensor] = []
    for sensor in sensors:
        station = Station(sensor, intake, time)
        if sensor.where.is_modbus:
            line = [one for one in sensors if one.where.line == sensor.where.line]
            made.append(ModbusSensor(station, ports[sensor.where.line], line))
        else:
            made.append(TextSensor(station))
    return made


def end_forgotten(sensors: Sequence[SensorSettings], intake: Intake) -> None:
    """End the alarms of sensors and limits that are no longer set, under the names that they had:
    no reading would.
    """
    kept = {(one.name, *alarm) for one in sensors for alarm in Watch(one).alarms}
    for device, device_kind, kind, subject in intake.alarms():
        is_ours = device_kind == "sensor" and kind in _KINDS
        if is_ours and (device, kind, subject) not in kept:
            notice = Notice(kind, False, subject, text=_FORGOTTEN)
            intake.notify(Source(device, device_kind, "sensor"), notice)
