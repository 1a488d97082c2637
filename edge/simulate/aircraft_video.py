"""What the camera of a simulated aircraft shows: a simulated camera of its own, or a given URL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fieldlink.edge.simulate.aircraft_plan import AircraftPlan
from fieldlink.edge.simulate.camera import Camera, CameraPlan
from fieldlink.edge.simulate.studio import Look

__all__ = ["with_video"]

_WIDTH, _HEIGHT, _FPS, _RATE = 960, 540, 15, 1_500_000


@asynccontextmanager
async def with_video(plan: AircraftPlan, video: str, host: str) -> AsyncIterator[AircraftPlan]:
    """`plan` with the URL of its video, while that is shown: "on" for a camera of its own at
    `host`, "off" for none, else the URL.

    Raises:
        ValueError: it is none of these.
        OSError: no port is to be had.
    """
    if video == "off":
        yield replace(plan, video="")
        return
    if video != "on":
        if "://" not in video or len(video) > 159:  # VIDEO_STREAM_INFORMATION.uri
            raise ValueError(f"{video!r:.80}: write on, off, or a URL of at most 159 characters")
        yield replace(plan, video=video)
        return
    name = f"uav-{plan.sysid}"
    look = Look(name, "mandelbrot", _WIDTH, _HEIGHT, _FPS, _RATE, 0.0)
    url: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(Camera(CameraPlan(look=look, host=host)).run(url.put_nowait))
    first = asyncio.create_task(url.get())
    try:
        await asyncio.wait([task, first], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield replace(plan, video=await first)
    finally:
        first.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
