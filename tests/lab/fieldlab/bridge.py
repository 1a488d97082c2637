"""The ends of a mosquitto bridge: who publishes at the kit, and who counts at the centre.

    python -m fieldlab.bridge publish PLAN      (a JSON of `Plan`)
    python -m fieldlab.bridge count OUT

The counter appends a line of JSON to OUT for each message: its topic, its size, when it came, and
for an alarm when it was sent; times are UTC seconds.
"""

import dataclasses
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

__all__ = ["Plan"]

_PORT = 1883


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Messages to publish: a backlog at once, then perhaps alarms, and more of the same."""

    backlog: int
    message_bytes: int
    topic: str = "bulk"
    alarms: int = 0
    alarm_every_s: float = 1.0
    alarms_after_s: float = 0.0
    feed_every_s: float = 0.0  # one more bulk message so often, while there are alarms; 0: none
    alarm_topics: int = 1  # each alarm's topic is alarm/0, alarm/1, ...
    alarm_bytes: int = 200

    def as_json(self) -> str:
        """For the command line."""
        return json.dumps(dataclasses.asdict(self))


def _connected(client_id: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
    client.max_inflight_messages_set(1000)
    for _ in range(200):
        try:
            client.connect("127.0.0.1", _PORT)
        except OSError:
            time.sleep(0.05)
        else:
            return client
    raise ConnectionError("no mosquitto answers")


def _publish(plan: Plan) -> None:
    client = _connected("publisher")
    client.loop_start()
    source = random.Random(7)
    last: Any = None
    for _ in range(plan.backlog):
        last = client.publish(plan.topic, source.randbytes(plan.message_bytes), qos=1)
    if last is not None:
        last.wait_for_publish(60)
    sys.stdout.write("published\n")
    sys.stdout.flush()
    begin = time.monotonic() + plan.alarms_after_s
    fed = 0
    for number in range(plan.alarms):
        due = begin + number * plan.alarm_every_s
        while plan.feed_every_s and begin + fed * plan.feed_every_s < due:
            time.sleep(max(0.0, begin + fed * plan.feed_every_s - time.monotonic()))
            client.publish(plan.topic, source.randbytes(plan.message_bytes), qos=1)
            fed += 1
        time.sleep(max(0.0, due - time.monotonic()))
        sent = f"{time.time():.6f}".encode()
        padded = sent.ljust(plan.alarm_bytes)
        last = client.publish(f"alarm/{number % plan.alarm_topics}", padded, qos=1)
    if last is not None:
        last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def _count(out: Path) -> None:
    client = _connected("counter")
    with out.open("a", encoding="utf-8") as file:

        def on_message(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            told: dict[str, Any] = {"topic": message.topic, "size": len(message.payload)}
            if message.topic.startswith("alarm/"):
                told["sent_s"] = float(message.payload.split()[0])
            file.write(json.dumps({**told, "came_s": time.time()}) + "\n")
            file.flush()

        client.on_message = on_message
        client.subscribe("#", qos=1)
        sys.stdout.write("counting\n")
        sys.stdout.flush()
        client.loop_forever()


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        _publish(Plan(**json.loads(sys.argv[2])))
    else:
        _count(Path(sys.argv[2]))
