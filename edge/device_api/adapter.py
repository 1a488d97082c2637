"""The device API as one of the kit's adapters: what devices publish goes to the intake, and each
message gets its receipt when the spool has it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fieldlink.codecs.device_api import (
    Alarmed,
    Echo,
    Form,
    Message,
    Run,
    read_content,
    read_message,
    read_topic,
    write_content,
)
from fieldlink.codecs.fault import CodecError, ConfigError, LinkError, SourceError
from fieldlink.edge.control import Command
from fieldlink.edge.device_api.access import AGENT, HEARD
from fieldlink.edge.device_api.broker import Meeting
from fieldlink.edge.device_api.desk import DeviceDesk
from fieldlink.edge.device_api.inbox import Inbox
from fieldlink.edge.device_api.registry import Device, Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.telemetry.ports import Intake, Notice, Reading, Source
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.nats import Finding
from fieldlink.systemd.service import Beat

__all__ = ["VIA", "DeviceApi"]

_log = logging.getLogger(__name__)
VIA = "mqtt"
_LOOK_S = 1.0
_MAX_UNDECIDED = 50_000  # messages whose receipt waits for the spool
_MAX_NAMES = 64
_PASSES = {"busy", "disk", "full", "taken"}  # reasons of the intake that may not last


@dataclass(slots=True)
class _Letter:
    """One message until its receipt has gone: how many parts of it are still to be stored."""

    device: str
    stream: str
    echo: Echo
    form: Form
    parts: int = 1
    error: str | None = None


class DeviceApi:
    """One broker's devices. `make` gives the broker, which tells what it refused to the callable
    that it gets; `commands` are what people may ask of the running agent.
    """

    def __init__(
        self,
        name: str,
        registry: Registry,
        intake: Intake,
        make: Callable[[Callable[[Finding], None]], Meeting],
        desk: DeviceDesk,
        settings: DeviceApiSettings,
    ) -> None:
        self.name = name
        self.settings = settings
        self.commands: Mapping[str, Command] = desk.commands
        self._registry, self._intake = registry, intake
        self._make = make
        self._broker: Meeting | None = None
        self._link: MqttConnection | None = None
        self._inbox: Inbox | None = None
        self._undecided = 0
        self._counts: Counter[str] = Counter()
        self._ignored: Counter[str] = Counter()
        self._state, self._reason, self._trouble = "down", "not started yet", ""
        registry.listen(self._changed)

    async def run(self, beat: Beat) -> None:
        """Serve devices until cancelled.

        Raises:
            LinkError: the broker cannot be reached, or is gone.
            SourceError, OSError: it cannot be started.
        """
        beat()
        try:
            self._registry.refresh()
            self._intake.keep(VIA, self._registry.devices.__contains__)
            await self._meet(self._make(self._found), beat)
        except ConfigError as error:  # a damaged file stops this, and no camera
            self._reason = str(error)
            raise SourceError("settings", str(error)) from error
        except (LinkError, OSError) as error:
            self._reason = str(error)
            raise

    async def _meet(self, broker: Meeting, beat: Beat) -> None:
        self._broker = broker
        tasks = [
            asyncio.create_task(broker.run(beat), name=f"{self.name} broker"),
            asyncio.create_task(broker.run_findings(beat), name=f"{self.name} findings"),
        ]
        serving = asyncio.create_task(self._serve(broker, beat), name=f"{self.name} link")
        try:
            # A broker by URL has nothing to run, and its two tasks end at once.
            await _first_failure([*tasks, serving], serving)
        finally:
            self._state, self._broker = "down", None
            for task in (*tasks, serving):
                task.cancel()
            await asyncio.wait([*tasks, serving])

    def report(self) -> dict[str, Any]:
        """How it is: state, reason, and what has come so far."""
        return {
            "state": self._state,
            "reason": self._reason,
            "said": self._said(),
            "devices": len(self._registry.devices),
            "waiting": self._undecided,
            "dropped": self._counts["dropped"] + (self._inbox.dropped if self._inbox else 0),
            **{key: self._counts[key] for key in ("messages", "refused", "retained", "unsent")},
            "ignored_keys": dict(self._ignored),
        }

    def _said(self) -> str:
        """One line for people; nothing while it does not work."""
        if self._state != "up" or self._broker is None:
            return ""
        count = len(self._registry.devices)
        if not count:
            return "no device is registered 尚无设备登记: fieldlink edge device add NAME"
        how = "TLS" if self._broker.tls else "without TLS 未加密"
        devices = f"{count} device{'s' if count > 1 else ''} registered 台设备已登记"
        refused = self._counts["refused"]
        parts = [f"{devices}, port 端口 {self._broker.port} {how}"]
        parts.append(f"{self._counts['messages']} messages 条消息")
        return ", ".join([*parts, *([f"refused 拒收 {refused}"] if refused else [])])

    async def _serve(self, broker: Meeting, beat: Beat) -> None:
        while True:
            beat()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await broker.ready()
                break
            except TimeoutError:
                self._reason = f"its broker does not start: {self._trouble or 'no sign of it'}"
        inbox = self._inbox = Inbox(asyncio.get_running_loop(), self._take)
        link = self._link = await MqttConnection.open(
            broker.host,
            broker.port,
            client_id="",
            tls=broker.tls,
            subscriptions=HEARD,
            on_message=inbox.put,
            on_retained=self._retained,
            login=(AGENT, broker.secret),
            timeout_s=10,
        )
        self._state, self._reason = "up", ""
        closed = asyncio.create_task(link.closed(), name=f"{self.name} closed")
        ends: list[asyncio.Future[Any]] = [closed, inbox.failed]
        try:
            while not closed.done():
                beat()
                self._look()
                await asyncio.wait(ends, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if inbox.failed.done():
                    inbox.failed.result()
            raise LinkError(f"{broker.host}:{broker.port}: {closed.result()}")
        finally:
            closed.cancel()
            inbox.close()
            self._counts["dropped"] += inbox.dropped
            self._inbox = self._link = None
            await link.close()

    def _look(self) -> None:
        try:
            self._registry.refresh()
            self._reason = ""
        except ConfigError as error:  # those that are known go on
            self._reason = str(error)

    # --- one message -----------------------------------------------------------------------

    def _take(self, topic: str, payload: bytes) -> None:
        self._counts["messages"] += 1
        try:
            name, stream = read_topic(topic)
        except CodecError as error:
            self._refuse(VIA, error)
            return
        device = self._registry.devices.get(name)
        if device is None:  # the broker lets none in; one that was just removed has still spoken
            self._refuse(name, CodecError("unknown", "no such device is registered"))
            return
        letter = _Letter(name, stream, Echo(), Form.JSON)
        try:
            content, letter.form = read_content(payload)
            letter.echo = Echo.of(content)
            message = read_message(stream, content)
        except CodecError as error:
            self._refuse(name, error)
            self._answer(letter, str(error), again=False)
            return
        for key in message.ignored:
            if key in self._ignored or len(self._ignored) < _MAX_NAMES:
                self._ignored[key] += 1
        self._hand_over(device, letter, message)

    def _hand_over(self, device: Device, letter: _Letter, message: Message) -> None:
        if self._undecided >= _MAX_UNDECIDED * (2 if message.alarms else 1):
            self._counts["dropped"] += 1  # no receipt: it comes again
            return
        self._undecided += 1
        letter.parts = len(message.runs) + len(message.alarms)
        done = partial(self._done, letter)
        for run in message.runs:
            source = Source(device.name, device.kind, VIA, run.boot)
            self._intake.record(source, run.schema, _readings(run), done)
        for alarm in message.alarms:
            self._intake.notify(Source(device.name, device.kind, VIA), _notice(alarm), done)

    def _done(self, letter: _Letter, error: str | None) -> None:
        letter.error = letter.error or error
        letter.parts -= 1
        if letter.parts == 0:
            self._undecided -= 1
            again = (letter.error or "").partition(":")[0] in _PASSES
            self._answer(letter, letter.error, again=again)

    def _answer(self, letter: _Letter, error: str | None, *, again: bool) -> None:
        said = letter.echo.receipt(letter.stream, error, again=again)
        link = self._link
        try:
            if link is None:
                raise LinkError("the connection is down")
            link.publish(f"fl/dev/{letter.device}/receipt", write_content(said, letter.form))
        except LinkError:  # no receipt: the device sends it again, and gets it then
            self._counts["unsent"] += 1

    def _refuse(self, device: str, error: CodecError) -> None:
        self._counts["refused"] += 1
        self._intake.refuse(device, str(error))

    # --- what the broker says --------------------------------------------------------------

    def _retained(self, topic: str) -> None:
        # On the network's thread. Whatever it says was said at another time: a retained SOS would
        # come again with every start.
        self._counts["retained"] += 1

    def _found(self, finding: Finding) -> None:
        if finding.kind in ("trouble", "reload-failed"):
            self._trouble = finding.text
            _log.warning("%s: its broker says: %s", self.name, finding.text)
            return
        self._counts["refused"] += finding.count
        self._intake.refuse(finding.peer or VIA, f"{finding.kind}: {finding.text}")

    def _changed(self) -> None:
        self._intake.keep(VIA, self._registry.devices.__contains__)
        if self._broker is not None:
            self._broker.reload()


def _readings(run: Run) -> list[Reading]:
    return [Reading(told.values, told.time_us, told.seq, told.flags) for told in run.told]


def _notice(alarm: Alarmed) -> Notice:
    return Notice(
        alarm.kind,
        alarm.active,
        text=alarm.text,
        device_us=alarm.time_us,
        lat=alarm.lat,
        lon=alarm.lon,
        flags=alarm.flags,
    )


async def _first_failure(tasks: list["asyncio.Task[None]"], last: "asyncio.Task[None]") -> None:
    """Wait until one of `tasks` fails, or `last` ends."""
    waiting = set(tasks)
    while not last.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
