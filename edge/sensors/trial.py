"""Reads sensors once, so that somebody at the cabinet can check a mapping, and the kit itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.finding import Finding
from fieldlink.edge.sensors.modbus_port import ModbusPort
from fieldlink.edge.sensors.modbus_sensor import ModbusReader
from fieldlink.edge.sensors.service import make_ports
from fieldlink.edge.sensors.settings import SensorSettings, ValueSettings
from fieldlink.edge.sensors.text_port import open_text_port
from fieldlink.edge.sensors.text_sensor import TextReader
from fieldlink.edge.sensors.values import Measured
from fieldlink.edge.sensors.wording import measured_text, reason_text

__all__ = ["Trial", "by_line", "check_line", "trial_lines", "try_sensors"]

_LEAST_S, _MOST_S = 5.0, 60.0
_MAX_LINES = 20

_ADVICE = {
    "not-found": "没有这个串口：请检查转接器是否插好。",
    "permission": "没有权限打开串口：请把用户加入 dialout 组。",
    "busy": "串口被其他程序占用（可能是正在运行的设备箱程序）。",
    "refused": "连接被拒绝：请检查端口号。",
    "timeout": "没有应答：请检查供电、A/B 接线、单元号、波特率和校验。",
    "garbled": "收到的不是 Modbus：请检查波特率、校验和接线。",
    "closed": "连接中断：请检查接头和线缆。",
    "silent": "没有收到数据行：请检查供电、波特率和 pattern。",
    "slow": "pattern 太慢：请以 ^ 开头。",
}


@dataclass
class Trial:
    """What one reading of a sensor gave; `fault` is why it gave nothing."""

    sensor: SensorSettings
    values: dict[str, Measured] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)  # lines of text as they came
    fault: SourceError | None = None

    @property
    def ok(self) -> bool:
        """Whether every value is known. A counter needs two readings: one that counts is good."""
        known = [one for one in self.values.values() if one.reason in ("", "settling")]
        return self.fault is None and len(known) == len(self.sensor.value)

    def measured(self, value: ValueSettings) -> Measured:
        """What was found of `value`."""
        return self.values.get(value.name, Measured(None, "no-line"))

    def as_json(self) -> dict[str, Any]:
        """The trial for programs."""
        return {
            "name": self.sensor.name,
            "ok": self.ok,
            "url": self.sensor.url,
            "reason": str(self.fault or ""),
            "lines": self.heard,
            "values": [self._value(value) for value in self.sensor.value],
        }

    def _value(self, value: ValueSettings) -> dict[str, Any]:
        found = self.measured(value)
        shown = {"name": value.name, "label": value.label, "unit": value.unit}
        return {
            **shown,
            "value": found.value,
            "raw": found.raw,
            "registers": list(found.registers),
            "reason": reason_text(found.reason) if found.reason else "",
        }


def by_line(sensors: Sequence[SensorSettings]) -> list[list[SensorSettings]]:
    """`sensors` in groups that share a line: one after the other there, all lines at once."""
    lines: dict[tuple[str | int, ...], list[SensorSettings]] = {}
    for sensor in sensors:
        lines.setdefault(sensor.where.line, []).append(sensor)
    return list(lines.values())


async def try_sensors(sensors: Sequence[SensorSettings]) -> AsyncIterator[Trial]:
    """Read each of `sensors` once, in order. They share no more than one line."""
    ports = make_ports(sensors)
    for sensor in sensors:
        trial = Trial(sensor)
        try:
            if sensor.where.is_modbus:
                await _ask(trial, ports[sensor.where.line])
            else:
                await _listen(trial)
        except SourceError as error:
            trial.fault = error
        yield trial


async def _ask(trial: Trial, port: ModbusPort) -> None:
    async with port:
        trial.values = await ModbusReader(trial.sensor, port).read(time.monotonic())


async def _listen(trial: Trial) -> None:
    sensor = trial.sensor
    reader = TextReader(sensor)
    until_s = time.monotonic() + min(max(3 * sensor.period, _LEAST_S), _MOST_S)
    port = await open_text_port(sensor.where)
    try:
        if sensor.ask:
            await port.write(sensor.ask.encode(sensor.encoding))
        while len(trial.values) < len(sensor.value):
            try:
                async with asyncio.timeout(until_s - time.monotonic()):
                    data = await port.read()
            except TimeoutError:
                break
            for line, found, reason in reader.feed(time.monotonic(), data):
                if len(trial.heard) < _MAX_LINES:
                    trial.heard.append(reason or line)
                trial.values |= found
    finally:
        port.close()
    if not trial.heard:
        raise SourceError("silent", f"{sensor.where.place}: no line came; check power and baud")


def trial_lines(trial: Trial) -> Iterator[str]:
    """A trial as people read it: each value, and what the station said in the raw."""
    yield f"{trial.sensor.name}  {'ok 正常' if trial.ok else 'WRONG 异常'}  {trial.sensor.url}"
    if trial.fault is not None:
        yield f"  {trial.fault}"
        if advice := _ADVICE.get(trial.fault.reason):
            yield f"  {advice}"
        return
    for line in trial.heard:
        yield f"  > {line}"
    for value in trial.sensor.value:
        found = trial.measured(value)
        said = f"  {measured_text(value, found)}"
        if found.registers:
            shown = " ".join(f"{register:04x}" for register in found.registers)
            said += f"   [{value.table} {value.address}: {shown}]"
        if found.raw is not None:
            raw = f"{found.raw:.9g}" if isinstance(found.raw, float) else found.raw
            said += f"   raw 原始值 {raw}"
        yield said


def check_line(sensors: Sequence[SensorSettings]) -> list[Finding]:
    """A finding for each of `sensors`, which share a line, for `fieldlink edge check`."""

    async def tried() -> list[Finding]:
        return [_finding(trial) async for trial in try_sensors(sensors)]

    return asyncio.run(tried())


def _finding(trial: Trial) -> Finding:
    name = trial.sensor.name
    if trial.fault is not None:
        advice = _ADVICE.get(trial.fault.reason, "请检查传感器和 url。")
        said = f"{name}: {trial.fault}"
        said += "" if said.endswith((".", "?")) else "."
        return Finding("sensor", False, said, f"{name}：{advice}")
    unknown = [value for value in trial.sensor.value if trial.measured(value).value is None]
    if not trial.ok:
        first = unknown[0]
        why = reason_text(trial.measured(first).reason)
        return Finding(
            "sensor",
            False,
            f"{name}: {first.name} is unknown ({why}); see fieldlink edge sensor try {name}.",
            f"{name}：{first.label or first.name} 无数据；请用 edge sensor try {name} 查看。",
        )
    return Finding(
        "sensor",
        True,
        f"{name}: {', '.join(measured_text(v, trial.measured(v)) for v in trial.sensor.value)}.",
        f"{name}：数据正常。",
    )
