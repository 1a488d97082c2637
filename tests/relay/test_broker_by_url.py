"""A relay and a kit over somebody else's broker: mosquitto, with the configuration in docs/."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from fieldlab.broker import LabBroker, mosquitto_broker, wait_until
from fieldlab.receiving import Bundle, make_bundle
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import (
    Ack,
    Verdict,
    decode_frame,
    down_filter,
    encode_frame,
    up_topic,
)
from fieldlink.edge.identity import Identity
from fieldlink.edge.join import join
from fieldlink.systemd.mqtt import MqttConnection

_COMMAND = [sys.executable, "-m", "fieldlink.systemd.command", "relay"]


def _command(config: Path, *arguments: str) -> Any:
    argv = [*_COMMAND, *arguments, "--config", str(config)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


async def _open(identity: Identity, custody: set[bytes]) -> MqttConnection:
    def heard(_topic: str, payload: bytes) -> None:
        frame = decode_frame(payload)
        items = frame.items if isinstance(frame, Ack) else ()
        custody.update(item.bundle for item in items if item.verdict is Verdict.CUSTODY)

    return await MqttConnection.open(
        identity.broker_host,
        identity.broker_port,
        client_id=identity.kit,
        tls=identity.tls,
        subscriptions=[down_filter(identity.kit)],
        on_message=heard,
    )


async def _deliver(identity: Identity, bundle: Bundle) -> None:
    custody: set[bytes] = set()
    connection = await _open(identity, custody)
    async with asyncio.timeout(20):
        while bundle.id not in custody:
            payload = encode_frame(bundle.whole())
            connection.publish(up_topic(identity.kit, "chunk"), payload)
            await asyncio.sleep(0.2)
    await connection.close()


async def _let_in(identity: Identity) -> bool:
    try:
        connection = await _open(identity, set())
    except LinkError:
        return False
    await connection.close()
    return True


def _story(lab: LabBroker, config: Path, log: Path) -> None:
    wait_until(lambda: "the centre is up" in log.read_text(), 30)
    identity = join(_command(config, "admit", "kit-a", "--json")["code"], lab.folder / "kit")
    bundle = make_bundle(b"x" * 50_000)
    asyncio.run(_deliver(identity, bundle))
    assert _command(config, "catalogue", "verify", "--json")["good"] == [bundle.id.hex()]
    before = lab.authority.crl.read_bytes()
    _command(config, "revoke", "kit-a")
    wait_until(lambda: lab.authority.crl.read_bytes() != before)
    lab.kill(signal.SIGHUP)
    wait_until(lambda: not asyncio.run(_let_in(identity)))


def test_a_kit_joins_and_delivers_over_mosquitto_and_is_out_when_revoked(tmp_path: Path) -> None:
    with mosquitto_broker(tmp_path) as lab:
        config, log = tmp_path / "relay.toml", tmp_path / "relay.log"
        config.write_text(
            f'state_dir = "{tmp_path}"\n[broker]\nurl = "mqtts://{lab.host}:{lab.port}"\n'
            '[web]\nhost = "127.0.0.1"\nport = 0\naddresses = ["127.0.0.1"]\n'
        )
        with log.open("wb") as out:
            argv = [*_COMMAND, "run", "--config", str(config)]
            relay = subprocess.Popen(argv, stdout=out, stderr=out)
        try:
            _story(lab, config, log)
        finally:
            relay.terminate()
            assert relay.wait(20) == 0
