"""The centre as a process: real broker, TLS, join code; stopped by kill -9 in mid-transfer."""

import asyncio
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fieldlab.centre_process import COMMAND, CentreProcess, Kit, joined
from fieldlab.receiving import make_bundle
from fieldlink.codecs.settings import load_settings
from fieldlink.codecs.wire import (
    Hello,
    State,
)
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.config import RelaySettings
from fieldlink.relay.outlets.settings import MqttOutSettings, WebhookSettings
from fieldlink.relay.pki.settings import PkiSettings
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.web.map_settings import MapSettings
from fieldlink.relay.web.settings import WebSettings


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[CentreProcess]:
    process = CentreProcess(tmp_path)
    process.start()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.process.kill()
        process.process.wait()


def test_a_relay_killed_in_mid_transfer_goes_on_where_it_was(centre: CentreProcess) -> None:
    source = random.Random(5)
    sizes = [source.choice([500, 70_000, 900_000]) for _ in range(60)]
    bundles = [make_bundle(source.randbytes(s), sequence=n) for n, s in enumerate(sizes)]
    kit = Kit(joined(centre))

    async def story() -> None:
        for _ in range(2):
            await kit.connect()
            await kit.deliver(bundles, source.uniform(0.3, 0.6))
            centre.kill()
            await kit.close()
            centre.start()
        await kit.connect()
        await kit.deliver(bundles, 30)
        await kit.close()

    asyncio.run(story())
    assert kit.custody == {bundle.id for bundle in bundles}
    found = centre.command("catalogue", "verify")
    assert sorted(found["good"]) == sorted(bundle.id.hex() for bundle in bundles)
    assert found["bad"] == []
    assert centre.stop() == 0
    assert centre.command("status")["running"] is False


def test_a_running_centre_says_so_and_greets_kits_anew_after_a_restart(
    centre: CentreProcess,
) -> None:
    kit = Kit(joined(centre))

    async def story() -> None:
        await kit.connect()
        status = centre.command("status")
        assert (status["running"], status["refused"]) == (True, {})
        await kit.close()

    asyncio.run(story())
    assert [row["state"] for row in centre.command("kits")["kits"]] == ["joined"]
    assert centre.stop() == 0
    kinds = [event["kind"] for event in centre.command("events")["events"]]
    assert kinds == ["admitted", "joined"]
    assert "WARNING" not in (centre.folder / "centre.log").read_text()


def test_a_kit_is_told_the_window_and_what_is_asked_for_and_again_until_it_follows(
    centre: CentreProcess,
) -> None:
    kit = Kit(joined(centre))

    async def until(done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():
                await asyncio.sleep(0.05)

    async def story() -> None:
        await kit.connect()
        kit.publish("hello", Hello("test", b"spool-01", 1, "lan", {"ball-1": "ball"}))
        await until(lambda: bool(kit.orders))
        command = centre.command
        await asyncio.to_thread(command, "incident", "start", "Slide")
        await until(lambda: kit.orders[-1].incident == "slide")
        made = await asyncio.to_thread(command, "want", "kit-a/ball-1", "-5m", "now")
        await until(lambda: [w.ident.hex() for w in kit.orders[-1].wants] == [made["id"]])
        revision = kit.orders[-1].revision
        kit.orders.clear()
        kit.publish("state", State(2, {"orders": revision - 1}))
        await until(lambda: [told.revision for told in kit.orders] == [revision])
        await asyncio.to_thread(command, "want", "cancel", made["id"])
        await until(lambda: kit.orders[-1].wants == ())
        await kit.close()

    asyncio.run(story())


def test_a_revoked_kit_is_cut_off_and_shown(centre: CentreProcess) -> None:
    kit = Kit(joined(centre))

    async def story() -> str:
        await kit.connect()
        argv = [*COMMAND, "revoke", "kit-a", "--config", str(centre.config)]
        await asyncio.to_thread(subprocess.run, argv, check=True, stdout=subprocess.DEVNULL)
        assert kit._connection is not None
        return await asyncio.wait_for(kit._connection.closed(), 10)

    assert asyncio.run(story())
    assert [row["state"] for row in centre.command("kits")["kits"]] == ["revoked"]
    kinds = {event["kind"] for event in centre.command("events")["events"]}
    assert "revoked" in kinds


def test_a_second_relay_on_the_same_archive_is_refused(centre: CentreProcess) -> None:
    argv = [*COMMAND, "run", "--config", str(centre.config)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "another relay" in done.stderr


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('state_dir = "relative"', "state_dir = 'relative': write an absolute path"),
        ("[receiver]\nqueue = 10", "receiver.queue = 10: write a number and a unit"),
        ('[pki]\nkit_life = "1min"', "pki.kit_life = '1min': write at least 1h"),
        ("[web]\nprot = 1", "web.prot = 1: no such setting"),
        ('catalogue_url = "postgresql://me:secret@db/x"', "a password does not belong"),
        ("name = ", "not TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(tmp_path: Path, text: str, fault: str) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(text)
    argv = [*COMMAND, "config", "check", "--config", str(config)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert fault in done.stderr
    assert str(config) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    argv = [*COMMAND, "run", "--config", str(tmp_path / "none.toml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_the_commented_sample_holds_every_setting_with_its_default() -> None:
    sample = Path(__file__).parents[2] / "docs" / "relay.sample.toml"
    text = sample.read_text(encoding="utf-8")
    assert load_settings(RelaySettings, text, "sample") == RelaySettings()
    lines = [line.removeprefix("#") if _is_setting(line) else line for line in text.splitlines()]
    filled = load_settings(RelaySettings, "\n".join(lines), "sample")
    unset = {
        "archive_dir",
        "catalogue_url",
        "broker",
        "web",
        "map",
        "webhook",
        "mqtt_out",
    }  # no default that a file can hold
    assert filled.model_dump(exclude=unset) == RelaySettings().model_dump(exclude=unset)
    for model in (
        RelaySettings,
        BrokerSettings,
        PkiSettings,
        ReceiverSettings,
        WebSettings,
        MapSettings,
        WebhookSettings,
        MqttOutSettings,
    ):
        for name in model.model_fields:
            written = (f"\n#{name} = ", f"\n[{name}]", f"\n#[[{name}]]")
            assert any(form in text for form in written), name


def _is_setting(line: str) -> bool:
    is_table = line.startswith("#[[")
    return is_table or (line.startswith("#") and not line.startswith("# ") and "=" in line)
