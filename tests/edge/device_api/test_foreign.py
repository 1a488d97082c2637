"""Devices that are not ours: the examples in docs/devices.md as they stand; TLS and its pin."""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fieldlab.devices import DeviceLab, device, device_api, until
from fieldlab.intake import FakeIntake
from fieldlab.peers import need_program
from fieldlink.codecs.fault import LinkError
from fieldlink.edge.device_api.credentials import Credentials, pin_text
from fieldlink.edge.exercise.actors import fieldlink_argv
from fieldlink.edge.simulate.login import told_uri

pytestmark = pytest.mark.anyio
_DOCUMENT = (Path(__file__).parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


@pytest.fixture
async def lab(tmp_path: Path, intake: FakeIntake) -> AsyncIterator[DeviceLab]:
    async with device_api(tmp_path, intake) as made:
        yield made


@pytest.fixture
async def safe(tmp_path: Path, intake: FakeIntake) -> AsyncIterator[DeviceLab]:
    async with device_api(tmp_path, intake, tls=True) as made:
        yield made


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", _DOCUMENT, re.DOTALL)
    assert found
    return found[1]


async def run(argv: list[str], login: Credentials, said: str = "") -> str:
    told = {"HOST": login.host, "PORT": login.port, "NAME": login.name, "PASSWORD": login.password}
    done = await asyncio.to_thread(
        subprocess.run,
        argv,
        env={**os.environ, **{key: str(value) for key, value in told.items()}},
        input=said.encode(),
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


async def test_mosquitto_pub_is_a_device(lab: DeviceLab, intake: FakeIntake) -> None:
    need_program("mosquitto_pub")
    login = lab.add("soldier-1")
    await lab.settle()
    await run(["sh", "-c", example("sh")], login)
    await until(lambda: intake.records)
    [reading] = intake.readings("soldier-1", "position")
    assert reading.values == {"lat": 34.23, "lon": 108.95, "alt": 512}
    assert (intake.records[0].source.epoch, reading.sequence) == (20260512, 1)


async def test_the_script_in_the_document_is_a_device_and_hears_its_receipt(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    login = lab.add("soldier-1")
    await lab.settle()
    said = json.loads(await run([sys.executable, "-c", example("python")], login))
    [reading] = intake.readings("soldier-1", "vitals")
    assert reading.values == {"heart_rate": 71, "spo2": 97.5}
    assert said == {
        "ok": True,
        "stream": "vitals",
        "seq": 1,
        "boot": intake.records[0].source.epoch,
    }


async def test_mosquitto_pub_knows_the_kit_by_its_ca(safe: DeviceLab, intake: FakeIntake) -> None:
    program = need_program("mosquitto_pub")
    login = safe.add("soldier-1")
    await safe.settle()
    ca = str(safe.registry.folder / "ca.crt")
    what = ["-t", "fl/dev/soldier-1/air", "-m", '{"co": 3}', "-q", "1"]
    who = ["-h", "localhost", "-p", str(login.port), "-u", login.name, "-P", login.password]
    await run([program, "--cafile", ca, *who, *what], login)
    await until(lambda: intake.records)


async def test_who_holds_another_key_is_not_the_kit(safe: DeviceLab) -> None:
    login = safe.add("soldier-1")
    async with device(login) as soldier:
        assert (await soldier.asks("air", {"co": 3}))["ok"]
    with pytest.raises(LinkError, match="another than was pinned"):
        async with device(replace(login, tls=pin_text(bytes(32)))):
            pass


async def test_no_password_goes_to_a_listener_without_tls_that_was_not_asked_for(
    safe: DeviceLab,
) -> None:
    login = safe.add("soldier-1")
    with pytest.raises(LinkError):
        async with device(replace(login, tls=None)):
            pass
    assert [adapter.name for adapter in safe.adapters] == ["device-api"]


def test_a_uri_is_read_from_where_nobody_else_can_read_it() -> None:
    told = {"FIELDLINK_DEVICE_URI": " from-environment\n"}
    assert told_uri("", told) == "from-environment"
    assert told_uri("given", told) == "given"
    assert told_uri("-", told, io.StringIO("from-stdin\nmore\n")) == "from-stdin"
    assert told_uri("", {}) == ""


async def test_the_simulated_soldier_is_a_device(safe: DeviceLab, intake: FakeIntake) -> None:
    login = safe.add("soldier-1")
    await safe.settle()
    options = ["--seconds", "1.2", "--every", "0.2", "--sos-after", "0.3", "--json"]
    argv = fieldlink_argv("sim", "soldier", "--uri", "-", *options)
    found = json.loads(await run(argv, login, said=login.uri))
    assert found["acknowledged"] > 8
    assert (found["refused"], found["down"]) == (0, [])
    assert {record.schema.stream for record in intake.records} == {
        "position",
        "vitals",
        "air",
        "battery",
    }
    assert len(intake.notices) == 1
