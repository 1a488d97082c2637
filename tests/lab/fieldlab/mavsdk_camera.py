"""`python -m fieldlab.mavsdk_camera URL VIDEO`: MAVSDK as an autopilot and a camera that streams
VIDEO, in a process of its own; a line of JSON for each thing that its camera is told to do.

Its camera server refuses MAV_CMD_REQUEST_MESSAGE for VIDEO_STREAM_INFORMATION and answers
MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION (MAVSDK 4.1).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from mavsdk import ComponentType, Configuration, Mavsdk
from mavsdk.plugins.camera_server import (
    CameraFeedback,
    CameraServer,
    CaptureInfo,
    CaptureStatus,
    Information,
    StorageInformation,
    VideoStreaming,
)
from mavsdk.plugins.telemetry_server import Heading, Position, TelemetryServer, VelocityNed

__all__ = ["mavsdk_camera"]

PLACE = 30.12345, 103.5


def _camera(component: Any, video: str, did: Callable[..., None]) -> CameraServer:
    """The answers are given on a thread of ours: the library waits for its own."""
    server = CameraServer(component)
    # Until it knows what it is, it answers nobody.
    server.set_information(
        Information("Acme", "Eye 7", "1.2.3", 4.4, 5.0, 3.0, 1920, 1080, 0, 0, "", True, True)
    )
    server.set_video_streaming(VideoStreaming(True, video))
    state = {"photos": 0, "video": False}
    work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def worker() -> None:
        while True:
            work.get()()

    def photo(index: Any, _: Any) -> None:
        def answer() -> None:
            state["photos"] += 1
            taken = CaptureInfo(is_success=True, index=state["photos"], file_url="")
            server.respond_take_photo(CameraFeedback.OK, taken)
            did("photo")

        work.put(answer)

    def video_to(on: bool, respond: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
        def asked(_: Any, __: Any) -> None:
            def answer() -> None:
                state["video"] = on
                respond(CameraFeedback.OK)
                did("record", on=on)

            work.put(answer)

        return asked

    def zoom(level: float, _: Any) -> None:
        def answer() -> None:
            server.respond_zoom_range(CameraFeedback.OK)
            did("zoom", to=round(float(level), 3))

        work.put(answer)

    def status(_: Any, __: Any) -> None:
        def answer() -> None:
            shown = CaptureStatus.VideoStatus(1 if state["video"] else 0)
            server.respond_capture_status(
                CameraFeedback.OK,
                CaptureStatus(0.0, 3.0, 9_000.0, None, shown, state["photos"]),
            )

        work.put(answer)

    def storage(_: Any, __: Any) -> None:
        def answer() -> None:
            ready = StorageInformation.StorageStatus.FORMATTED
            server.respond_storage_information(
                CameraFeedback.OK, StorageInformation(1_000.0, 9_000.0, 10_000.0, ready, 1)
            )

        work.put(answer)

    threading.Thread(target=worker, daemon=True).start()
    server.subscribe_take_photo(photo)
    server.subscribe_start_video(video_to(True, server.respond_start_video))
    server.subscribe_stop_video(video_to(False, server.respond_stop_video))
    server.subscribe_zoom_range(zoom)
    server.subscribe_capture_status(status)
    server.subscribe_storage_information(storage)
    return server


def _main(url: str, video: str) -> None:
    def did(what: str, **more: Any) -> None:
        sys.stdout.write(json.dumps({"did": what, **more}) + "\n")
        sys.stdout.flush()

    made = Mavsdk(Configuration.create_with_component_type(ComponentType.AUTOPILOT))
    telemetry = TelemetryServer(made.server_component_by_type(ComponentType.AUTOPILOT))
    kept = _camera(made.server_component_by_type(ComponentType.CAMERA), video, did)
    made.add_any_connection(url)
    stop = threading.Event()
    while not stop.wait(0.2):  # until it is ended
        telemetry.publish_position(
            Position(*PLACE, 488.0, 52.0), VelocityNed(1.0, 0.0, 0.0), Heading(90.0)
        )
    del kept


@contextmanager
def mavsdk_camera(url: str, video: str) -> Iterator[list[dict[str, Any]]]:
    """It runs; what its camera did so far."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "fieldlab.mavsdk_camera", url, video]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        did: list[dict[str, Any]] = []

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith('{"did"'):
                    did.append(json.loads(line))

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield did
        finally:
            process.kill()
            thread.join()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
