"""`fieldlink drone video`: the video of aircraft, as the kit records it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.asking import Watch, answered, watched
from fieldlink.edge.drone.clip_commands import export, klv
from fieldlink.edge.drone.output import Force, check_out, write_out

__all__ = ["video_app"]

video_app = typer.Typer(
    no_args_is_help=True,
    help="""The video of aircraft: recorded by itself where a camera names it. 飞机视频

    fieldlink drone video list                     what is recorded, and how

    fieldlink drone video snapshot m300-1          a picture in full size, now

    fieldlink drone video quality m300-1 clear     thicker on the link 画质

    fieldlink drone video add m300-1 rtsp://...    one that no camera names

    fieldlink drone video export m300-1 --from -10m --to now -o clip.ts    with KLV 导出

    fieldlink drone video klv clip.ts              what the KLV in a file says

    The first stream of an aircraft is the device of its name, further ones have -2, -3 behind it.
    Originals are kept whole whatever the quality. 原始视频始终完整保存。""",
)
video_app.command("export")(export)
video_app.command("klv")(klv)
_Name = Annotated[str, typer.Argument(help="Its device, as in video list.")]


@video_app.command("list")
def video_list(watch: Watch = False, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Each stream: its device, its state, where from, and why it is not recorded. 视频列表"""
    from fieldlink.edge.drone.eye_wording import video_lines

    show = watched if watch else answered
    show(config, as_json, video_lines, "video.list")


@video_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The device that it becomes.")],
    url: Annotated[str, typer.Argument(help="rtsp://, udp://, tcp://, rtp:// and so on.")],
    vehicle: Annotated[
        str, typer.Option("--vehicle", help="The aircraft that carries the camera.")
    ] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Record a stream from now until the agent is started again. 临时添加

    The settings are not written; what to put there to keep it is printed. RTP without a session:
    rtp://0.0.0.0:5600?codec=h264
    """

    def lines(found: dict[str, Any]) -> list[str]:
        return [
            f"{found['name']}: recorded until the agent is started again 记录中，重启后失效",
            "to keep it, in edge.toml 永久保存请写入配置:",
            *(f"  {line}" for line in found["block"].splitlines()),
        ]

    answered(config, as_json, lines, "video.add", name=name, url=url, vehicle=vehicle)


@video_app.command("start")
def start(name: _Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Record it, and have the camera send it. 开始记录"""

    def lines(found: dict[str, Any]) -> list[str]:
        why = f": {found['why']}" if found["why"] else ""
        return [f"{found['name']}: recording 记录{why}", *_camera_said(found)]

    answered(config, as_json, lines, "video.start", name=name)


@video_app.command("stop")
def stop(
    name: _Name,
    camera: Annotated[
        bool, typer.Option("--camera", help="Have the camera send no more, to anybody.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Record it no more, until `start` or a restart. Others go on seeing it. 停止记录"""

    def lines(found: dict[str, Any]) -> list[str]:
        return [f"{found['name']}: not recorded any more 已停止记录", *_camera_said(found)]

    answered(config, as_json, lines, "video.stop", name=name, camera=camera)


def _camera_said(found: dict[str, Any]) -> list[str]:
    if found["camera"] in (None, "ok"):
        return []
    return [f"  the camera says 相机回复: {found['camera']}; most send all the time"]


@video_app.command("quality")
def quality(
    name: _Name,
    preset: Annotated[
        str | None, typer.Argument(help="thin, clear, or configured (as in the settings).")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Of the thin video, pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Of the thin video, pixels.")] = None,
    fps: Annotated[float | None, typer.Option(help="Pictures a second, 1 to 60.")] = None,
    rate: Annotated[str | None, typer.Option(help='Of the thin video, like "200kbit/s".')] = None,
    still_every: Annotated[str | None, typer.Option(help='Between stills, like "5s".')] = None,
    still_size: Annotated[str | None, typer.Option(help='Largest still, like "30kB".')] = None,
    still_width: Annotated[int | None, typer.Option(help="Of a still, pixels.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """How thick its video and stills go over the link, until a restart. 画质

    Any device that is recorded. When the two-hour window is in danger the kit makes it thinner all
    the same; what is recorded with is printed. 链路不足时设备箱仍会自动降低。
    """
    from fieldlink.codecs.settings import format_rate, format_size

    def lines(found: dict[str, Any]) -> list[str]:
        return [
            f"{found['name']}: video 视频 {found['width']}x{found['height']}, {found['fps']:g}/s,"
            f" {_shown(found['rate'], format_rate)}; stills 图片 {found['still_width']} px,"
            f" {_shown(found['still_size'], format_size)}, every 每 {found['still_every']}"
        ]

    answered(
        config, as_json, lines, "video.quality", name=name, preset=preset, width=width,
        height=height, fps=fps, rate=rate, still_every=still_every, still_size=still_size,
        still_width=still_width,
    )  # fmt: skip


def _shown(value: Any, form: Any) -> str:
    return value if isinstance(value, str) else str(form(value))


@video_app.command("snapshot")
def snapshot(
    name: _Name,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file; without: NAME-TIME.jpg, here.")
    ] = None,
    force: Force = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """A picture in full size, now: to a file, and as a still to the centre. 抓拍

    EXIF and XMP say where it was taken and where the camera looked, as far as that is known.
    """
    import base64

    from fieldlink.edge.drone.once import ask_once

    if out is not None:
        check_out(out, force)
    found = ask_once(config, "video.snapshot", None, name=name)
    at = datetime.fromtimestamp(found["at_us"] / 1e6, UTC)
    path = out or Path(f"{name}-{at:%Y%m%dT%H%M%SZ}.jpg")
    size = write_out(path, [base64.b64decode(found.pop("jpeg"))], force)
    if as_json:
        say_json({**found, "file": str(path), "bytes": size})
        return
    kept = "; also in the spool 已入库待送" if found["kept"] else ""
    say(f"{name}: {found['width']}x{found['height']} -> {path}, {size} bytes{kept}")
