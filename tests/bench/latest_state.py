"""The latest state of 5,000 devices, asked for in one answer.

In the process, as every page that follows costs it: the ready-made parts are joined. Over HTTPS on
loopback, by a client that only reads: login, routing and TLS included. The peer writes the same
document with json.dumps from plain values, which is what an answer made anew for each would cost;
the limit over HTTPS is an answer of a few bytes by the same way.
"""

import http.client
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fieldlab.duty import Duty, now_us, open_duty
from fieldlab.figure import Figure
from fieldlab.fleet import Fleet
from fieldlink.relay.web.accounts import create_token

_DEVICES, _KITS, _TIMES = 5_000, 25, 60


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, open_duty(Path(folder) / "centre") as duty:
        fleet = Fleet(duty, devices=_DEVICES, kits=_KITS, start_us=now_us() - 1_000_000)
        fleet.tick()
        duty.telemetry.settle()
        board = duty.telemetry.board
        body = board.answer(now_us())
        document = json.loads(body)
        assert len(document["devices"]) == _DEVICES
        joined_s = _median(lambda: board.answer(now_us()))
        dumped_s = _median(lambda: json.dumps(document, separators=(",", ":")).encode(), 10)
        token = create_token(duty.catalogue, "bench", now_us)
        asked_s = _asked(duty, "/api/telemetry/latest", token)
        health_s = _asked(duty, "/api/health", token)
        since_s = _asked(duty, f"/api/telemetry/latest?since={board.revision}", token)
    print(
        f"{_DEVICES} devices, {len(body) / 1e6:.1f} MB: joined {joined_s * 1e3:.2f} ms, json.dumps "
        f"{dumped_s * 1e3:.0f} ms; over HTTPS {asked_s * 1e3:.2f} ms, nothing new "
        f"{since_s * 1e3:.2f} ms, an empty answer {health_s * 1e3:.2f} ms"
    )
    return [
        Figure(
            name="latest_state",
            value=joined_s * 1e3,
            unit="ms",
            peer=dumped_s * 1e3,
            limit=0.1,
            better="less",
            also=(("under 5 ms", joined_s < 5e-3),),
        ),
        Figure(
            name="latest_state_https",
            value=asked_s * 1e3,
            unit="ms",
            limit=5,
            better="less",
            also=(("what has changed, when nothing has, under 3 ms", since_s < 3e-3),),
        ),
    ]


def _median(what: Callable[[], object], times: int = _TIMES) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def _asked(duty: Duty, path: str, token: str) -> float:
    """How long an answer takes, by a client in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, duty.url, path, token, str(_TIMES)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _client(url: str, path: str, token: str, times: int) -> float:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(url.removeprefix("https://"), context=context)
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        answer.read()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


if __name__ == "__main__":
    print(_client(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
