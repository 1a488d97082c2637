"""What Pilot 2 asks by HTTP around its uploads, and the answers to the sessions."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fieldlab.devices import until
from fieldlab.dji import RC, DjiLab
from fieldlab.intake import FakeTime
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import FILE_MEDIA_TYPE, FileIndex
from fieldlink.edge.device_api.registry import Device, Registry
from fieldlink.edge.dji.api import add_api
from fieldlink.edge.dji.settings import UploadSettings
from fieldlink.edge.dji.uploads import Uploads
from fieldlink.edge.records import Records
from fieldlink.edge.spool import Spool

pytestmark = pytest.mark.anyio
WORKSPACE = "e3dea0f5-37f2-4d79-ae58-490af3228069"
KEY = f"{RC}/DJI_0001.JPG"
REPORT = {
    "result": 0,
    "object_key": KEY,
    "name": "DJI_0001.JPG",
    "fingerprint": "print-1",
    "ext": {"tinny_fingerprint": "tiny-1", "drone_model_key": "0-67-1", "is_original": True},
    "metadata": {
        "created_time": "2026-05-28T15:00:00+08:00",
        "shoot_position": {"lat": 34.23, "lng": 108.95},
        "relative_altitude": "81.5",
        "gimbal_yaw_degree": "-91.40",
    },
}


class Kit:
    """Uploads of one registered gateway, and the page's app."""

    def __init__(self, folder: Path, spool: Spool) -> None:
        self.registry, self.time, self.spool = Registry(folder / "device-api"), FakeTime(), spool
        self.registry.add("drone-1", "drone", RC)
        self.uploads = Uploads(
            UploadSettings(),
            folder / "uploads",
            Records(spool.add, spool.add_gap, spool.read),
            self.time.now_us,
            device_of=lambda gateway: self.device if gateway == RC else None,
            host="127.0.0.1",
            address=lambda: "192.0.2.1",
            keep_free=0,
        )
        self.app = FastAPI()
        add_api(self.app, self.uploads, self.whose, WORKSPACE)

    def whose(self, token: str) -> str | None:
        return self.uploads.gateway_of(token, self.registry.devices)

    @property
    def device(self) -> Device:
        return self.registry.devices["drone-1"]

    def put(self, key: str = KEY) -> None:
        """As if its controller had brought it."""
        assert self.uploads.originals is not None
        store = self.uploads.originals.store
        staged = store.room.stage(None, None)
        staged.write(random.Random(1).randbytes(9_000))
        store.put(RC, key, "", staged, "s" * 64)

    def indexes(self) -> list[FileIndex]:
        import json

        return [
            FileIndex.from_dict(json.loads(self.spool.read(one.bundle_id, 0, one.manifest.size)))
            for one in self.spool.bundles()
            if one.manifest.media_type == FILE_MEDIA_TYPE
        ]


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    spool = open_spool(tmp_path / "spool")
    made = Kit(tmp_path, spool)
    await made.uploads.open()
    yield made
    await made.uploads.close()
    spool.close()


async def test_pilot_2_asks_brings_and_reports_a_file_and_is_not_asked_for_it_again(
    kit: Kit,
) -> None:
    token = kit.uploads.grant(kit.device)["token"]
    transport = httpx.ASGITransport(kit.app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://kit", headers={"x-auth-token": token}
    ) as pilot:

        async def asks(path: str, body: Any) -> dict[str, Any]:
            url = (
                f"/{path.partition('/')[0]}/api/v1/workspaces/{WORKSPACE}/{path.partition('/')[2]}"
            )
            found: dict[str, Any] = (await pilot.post(url, json=body)).json()
            return found

        tiny = {"tiny_fingerprints": ["tiny-1", "tiny-2"]}
        assert (await asks("media/fast-upload", {"fingerprint": "print-1"}))["code"] == -1
        assert (await asks("media/files/tiny-fingerprints", tiny))["data"] == {
            "tiny_fingerprints": []
        }
        told = (await asks("storage/sts", {}))["data"]
        assert (told["provider"], told["endpoint"]) == ("minio", "http://192.0.2.1:9000")
        assert told["credentials"]["expire"] == 3600
        assert (await asks("media/upload-callback", REPORT))["code"] == -1  # it did not come
        kit.put()
        for _ in range(2):
            found = await asks("media/upload-callback", REPORT)
            assert (found["code"], found["data"]) == (0, {"object_key": KEY})
        assert (await asks("media/fast-upload", {"fingerprint": "print-1"}))["code"] == 0
        found = await asks("media/files/tiny-fingerprints", tiny)
        assert found["data"] == {"tiny_fingerprints": ["tiny-1"]}
        assert (await asks("media/group-upload-callback", {"file_count": 1}))["code"] == 0
        wrong: list[Any] = [[], {"object_key": 5}, {"object_key": KEY, "result": "x"}]
        for bad in wrong:
            assert (await asks("media/upload-callback", bad))["code"] == 400
    _, index = kit.indexes()
    assert index.taken_us == 1_779_951_600_000_000
    assert index.about["height"] == 81.5
    assert index.about["gimbal_yaw"] == pytest.approx(268.6)


async def test_a_pass_is_good_for_its_device_and_password_until_it_ends(kit: Kit) -> None:
    token = kit.uploads.grant(kit.device)["token"]
    whose = kit.whose
    assert whose(token) == RC
    end = token.split(".")[1]
    for bad in ("", "x", token[:-1], token.replace("drone-1", "drone-2"),
                token.replace(end, str(int(end) + 1))):  # fmt: skip
        assert whose(bad) is None
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(kit.app), base_url="http://kit"
    ) as nobody:
        for workspace, shown in ((WORKSPACE, "x"), ("other", token)):
            url = f"/storage/api/v1/workspaces/{workspace}/sts"
            answer = await nobody.post(url, headers={"x-auth-token": shown})
            assert (answer.status_code, answer.json()["data"]) == (401, {})
    kit.time.pass_s(31 * 86_400)
    assert whose(token) is None
    fresh = kit.uploads.grant(kit.device)["token"]
    kit.registry.add("drone-1", "drone", RC)  # a new password
    assert whose(fresh) is None


async def test_an_upload_is_answered_when_the_spool_has_it_and_not_before(kit: Kit) -> None:
    lab = DjiLab()
    lab.cloud.register([])
    lab.cloud.files = kit.uploads
    lab.cloud.register([RC])
    lab.says("requests", {"module": 0}, sn=RC, method="storage_config_get")
    [(_, answer)] = lab.sent()
    output = answer["data"]["output"]
    assert (answer["data"]["result"], output["bucket"]) == (0, f"fieldlink-{RC.lower()}")
    assert output["object_key_prefix"] == RC
    lab.says("requests", {"module": 1}, sn=RC, method="storage_config_get")
    assert lab.sent()[0][1]["data"] == {"result": 1}
    kit.put()
    wanted = [(KEY, 0), (KEY, 0), ("absent.jpg", 1)]
    for key, result in wanted:
        file = {"object_key": key, "name": "x", "metadata": REPORT["metadata"]}
        lab.says("events", {"file": file}, sn=RC, method="file_upload_callback", need_reply=1)
        assert lab.sent() == []
        for _ in range(500):
            if found := lab.sent():
                break
            await asyncio.sleep(0.005)
        [(topic, answer)] = found
        assert (topic, answer["data"]) == (f"thing/product/{RC}/events_reply", {"result": result})
    lab.says("events", {"file": {}}, sn=RC, method="file_upload_callback", need_reply=1)
    assert lab.sent()[0][1]["data"] == {"result": 1}  # malformed: nothing is stored
    assert len(kit.indexes()) == 2


async def test_a_port_that_is_taken_costs_uploads_and_nothing_else(kit: Kit) -> None:
    await kit.uploads.close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        kit.uploads._place = replace(kit.uploads._place, port=taken.getsockname()[1])
        task = asyncio.create_task(kit.uploads.run(lambda: None))
        try:
            await until(lambda: kit.uploads.fault)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    found = kit.uploads.report()
    assert (found["state"], found["files"]) == ("down", 0)
    assert "dji.uploads.port" in found["reason"]
    assert kit.uploads.storage(RC) is None
    assert kit.uploads.grant(kit.device) == {}
