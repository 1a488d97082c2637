"""Running brokers with TLS and a certificate for each kit, on a free port of the loopback.

with nats_broker(tmp_path) as broker:        # or mosquitto_broker(tmp_path)
    centre = broker.centre                   # TlsFiles
    kit = broker.admit("kit-a")              # TlsFiles; revoke("kit-a") ends it
    MqttConnection.open(broker.host, broker.port, tls=kit, ...)
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fieldlab.peers import need_program
from fieldlink.relay.broker.broker import Broker, BrokerEvent
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.pki import certificates
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.authority import Authority, new_serial
from fieldlink.systemd.durable import write_durably
from fieldlink.systemd.mqtt import TlsFiles
from fieldlink.systemd.service import Row

__all__ = ["LabBroker", "mosquitto_broker", "nats_broker", "now_us", "wait_until"]

_DOCS = Path(__file__).parents[3] / "docs"


def now_us() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


def wait_until(what: Callable[[], object], limit_s: float = 10.0) -> None:
    """Wait until `what()` is true; an AssertionError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, f"not within {limit_s:g} s"
        time.sleep(0.02)


class LabBroker:
    """A running broker, its CA, and the kits that were admitted to it."""

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.open(folder / "pki", now_us=now_us())
        self.members: dict[str, Member] = {}
        self.revoked: list[str] = []
        self.events: list[BrokerEvent] = []
        self.port = 0
        self.pid: Callable[[], int | None] = lambda: None
        self._tell: Callable[[], None] = lambda: None

    @property
    def centre(self) -> TlsFiles:
        """The centre's own files."""
        return self.authority.tls

    def admit(self, kit: str) -> TlsFiles:
        """Files of a new certificate for `kit`, in force when this returns; an older one is not."""
        if kit in self.members:
            self.revoked.append(self.members[kit].serial)
        files, serial = self.certify(kit)
        self.members[kit] = Member(kit, serial)
        self._tell()
        return files

    def certify(self, kit: str, *, at_us: int | None = None) -> tuple[TlsFiles, str]:
        """Files and serial of a certificate of this CA, made at `at_us`, that nobody admitted."""
        return certify(self.authority, self.folder, kit, at_us)

    def revoke(self, kit: str) -> None:
        """Put `kit` out."""
        self.revoked.append(self.members.pop(kit).serial)
        self._tell()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send `number` to the broker's process."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    def accepts(self) -> bool:
        """Whether somebody listens on the port."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False


def certify(
    authority: Authority, folder: Path, kit: str, at_us: int | None = None
) -> tuple[TlsFiles, str]:
    """Files and serial of a certificate for `kit` of `authority`, under `folder`."""
    serial, key = new_serial(), certificates.make_key()
    made = authority.sign_kit(key.public_key(), kit, serial, now_us() if at_us is None else at_us)
    base = folder / f"{kit}-{serial[-6:]}"
    files = TlsFiles(authority.tls.ca, base.with_suffix(".crt"), base.with_suffix(".key"))
    write_durably(files.certificate, made)
    write_durably(files.key, certificates.key_pem(key))
    return files, serial


@contextlib.contextmanager
def nats_broker(folder: Path, *kits: str) -> Iterator[LabBroker]:
    """The embedded nats-server as the relay runs it, with `kits` admitted."""
    lab = LabBroker(folder)
    for kit in kits:
        lab.admit(kit)
    broker = Broker(
        BrokerSettings(host=lab.host, port=0),
        lab.authority,
        lambda: list(lab.members.values()),
        folder=folder / "broker",
        clock=now_us,
        revoked=lambda: lab.revoked,
        on_event=lab.events.append,
    )
    lab.port, lab.pid = broker.address[1], lambda: broker.pid
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def keep(row: Row) -> None:
        await row.run(ready.set if row.name == "broker" else lambda: None)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for row in broker.rows():
                group.create_task(keep(row))

    task = loop.create_task(run())
    thread = threading.Thread(target=_drive, args=(loop, task), name="lab broker")
    thread.start()
    try:
        assert ready.wait(20), "nats-server does not get ready"
        lab._tell = _reloader(broker, lab)
        yield lab
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        loop.close()


def _drive(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)


def _reloader(broker: Broker, lab: LabBroker) -> Callable[[], None]:
    def tell() -> None:
        before = broker.reloads
        broker.reload()
        wait_until(lambda: broker.reloads > before)

    return tell


@contextlib.contextmanager
def mosquitto_broker(folder: Path, *kits: str) -> Iterator[LabBroker]:
    """Debian's mosquitto with the configuration in docs/, with `kits` admitted."""
    program = need_program("mosquitto")
    lab = LabBroker(folder)
    for kit in kits:
        lab.admit(kit)
    lab.authority.write_crl(lab.revoked, now_us())
    with socket.socket() as probe:
        probe.bind((lab.host, 0))
        lab.port = probe.getsockname()[1]
    configuration = folder / "mosquitto.conf"
    configuration.write_text(_mosquitto_text(lab))
    (folder / "acl").write_text((_DOCS / "mosquitto.sample.acl").read_text())
    with (folder / "mosquitto.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", configuration], stdout=log, stderr=log)
        try:
            wait_until(lambda: lab.accepts() or process.poll() is not None)
            assert process.poll() is None, (folder / "mosquitto.log").read_text()
            lab.pid = lambda: process.pid

            def tell() -> None:
                lab.authority.write_crl(lab.revoked, now_us())
                process.send_signal(signal.SIGHUP)
                time.sleep(0.3)  # it does not say when it has read its files again

            lab._tell = tell
            yield lab
        finally:
            process.terminate()
            process.wait(10)


def _mosquitto_text(lab: LabBroker) -> str:
    text = (_DOCS / "mosquitto.sample.conf").read_text()
    pki = lab.authority.tls.ca.parent
    text = text.replace("/etc/mosquitto/fieldlink/acl", str(lab.folder / "acl"))
    text = text.replace("/etc/mosquitto/fieldlink/", f"{pki}/")
    text = text.replace("listener 8883", f"listener {lab.port} {lab.host}")
    user = "user root\n" if os.geteuid() == 0 else ""  # keys are 0600 of whoever runs the test
    return f"{user}log_dest stderr\nlog_type all\n{text}"
