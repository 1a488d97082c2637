"""Updates over MQTT to a mosquitto of somebody else's, read by its own subscriber."""

import asyncio
import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.broker import now_us, wait_until
from fieldlab.duty import Duty, open_duty
from fieldlab.fleet import Fleet
from fieldlab.peers import need_program
from fieldlink.relay.outlets.mqtt_out import MqttOut
from fieldlink.relay.outlets.settings import MqttOutSettings, split_url


class Mosquitto:
    """A broker that wants a name and a password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        passwords = folder / "passwords"
        passwords.touch(0o600)
        argv = [need_program("mosquitto_passwd"), "-b", str(passwords), "centre", "open-sesame"]
        subprocess.run(argv, check=True)
        config = f"listener {self.port} 127.0.0.1\nallow_anonymous false\nuser root\n"
        (folder / "conf").write_text(f"{config}password_file {passwords}\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it listens."""
        argv = [need_program("mosquitto"), "-c", str(self.folder / "conf")]
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        wait_until(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker, not started yet."""
    made = Mosquitto(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def duty(tmp_path: Path) -> Iterator[Duty]:
    """A centre."""
    with open_duty(tmp_path / "centre") as opened:
        yield opened


class Subscriber:
    """mosquitto_sub, whose lines are read as they come."""

    def __init__(self, broker: Mosquitto) -> None:
        where = ["-h", "127.0.0.1", "-p", str(broker.port), "-u", "centre", "-P", "open-sesame"]
        argv = [need_program("mosquitto_sub"), *where, "-t", "map/#", "-q", "1", "-v"]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.got: list[tuple[str, dict[str, object]]] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            topic, _, text = line.partition(" ")
            self.got.append((topic, json.loads(text)))

    def topics(self) -> set[str]:
        """The topics that something came on."""
        return {topic for topic, _ in self.got}

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def test_states_and_alarms_reach_another_broker_that_was_away_at_first(
    duty: Duty, broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Less than all states together: the broker is waited for.
    monkeypatch.setattr("fieldlink.relay.outlets.mqtt_out._MOST_QUEUED_BYTES", 100)
    password = tmp_path / "password"
    password.write_text("open-sesame\n")
    said = {"url": f"mqtt://127.0.0.1:{broker.port}", "topic": "map", "user": "centre"}
    settings = MqttOutSettings.model_validate({**said, "password_file": password, "every": "200ms"})
    notes: list[str] = []
    out = MqttOut(
        settings,
        duty.catalogue,
        duty.telemetry.board,
        clock=now_us,
        note=lambda _kind, _kit, text: notes.append(text),
    )
    fleet = Fleet(duty, devices=2, kits=1, start_us=now_us(), epoch=1)
    fleet.tick()
    duty.telemetry.settle()

    async def run() -> None:
        task = asyncio.create_task(out.run(lambda: None))
        async with asyncio.timeout(20):
            while not notes:
                await asyncio.sleep(0.02)
            assert duty.catalogue.cursor("mqtt-out")  # alarms count although it is away
            await asyncio.to_thread(broker.start)
            subscriber = await asyncio.to_thread(Subscriber, broker)
            try:
                while not subscriber.topics():
                    fleet.tick()
                    await asyncio.to_thread(duty.telemetry.settle)
                    await asyncio.sleep(0.1)
                fleet.alarm("kit-1", "soldier-1")
                await asyncio.to_thread(duty.telemetry.settle)
                wanted = {"map/kit-1/soldier-1", "map/kit-1/soldier-1/alarm"}
                while not wanted <= subscriber.topics():
                    await asyncio.sleep(0.02)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(subscriber.close)
        said = dict(subscriber.got)
        assert "position" in said["map/kit-1/soldier-1"]
        assert said["map/kit-1/soldier-1/alarm"]["state"] == "active"

    asyncio.run(run())
    assert "not reached" in notes[0]


@pytest.mark.parametrize(
    "url", ["http://x", "mqtt://", "mqtts://u:p@x", "mqtt://x:0", "mqtt://x/a"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write mqtts://host:port"):
        split_url(url)
