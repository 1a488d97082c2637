"""`fieldlink drone camera|gimbal`: what an aircraft's camera does, and where it looks."""

from typing import Annotated, Any, Literal

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile
from fieldlink.edge.drone.asking import Camera, Vehicle, Watch, Yes, answered, confirmed, watched

__all__ = ["camera_app", "gimbal_app"]

camera_app = typer.Typer(
    no_args_is_help=True,
    help="""An aircraft's camera: state, pictures, recording on its card, zoom. 机载相机

    fieldlink drone camera info            what it is, does, and has left

    fieldlink drone camera photo           one picture, on its card 拍照

    fieldlink drone camera record start    on its card, too 机载录像

    fieldlink drone camera zoom in         out, stop, or 0 to 100 percent 变焦""",
)
record_app = typer.Typer(no_args_is_help=True, help="Record on the camera's own card. 机载录像")
camera_app.add_typer(record_app, name="record")
gimbal_app = typer.Typer(
    no_args_is_help=True,
    help="""Where an aircraft's camera looks. 云台

    fieldlink drone gimbal point --pitch -45             down 俯仰

    fieldlink drone gimbal point --pitch -30 --yaw 90    and to the right

    fieldlink drone gimbal point --lat 30.12345 --lon 103.5 --alt 480

    fieldlink drone gimbal point --home                  ahead 回中

    A gimbal that cannot turn to the side has the aircraft turn: that needs
    drone.flight_commands = true in the settings, and --yes NAME.
    云台不能自转时会转动机身，需设置允许并确认。""",
)


@camera_app.command("info")
def info(
    vehicle: Vehicle = "",
    watch: Watch = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What a camera is and does: model, mode, recording, card, zoom, streams. 相机状态"""
    from fieldlink.edge.drone.eye_wording import camera_lines

    show = watched if watch else answered
    show(config, as_json, camera_lines, "camera.info", vehicle=vehicle)


@camera_app.command("photo")
def photo(
    vehicle: Vehicle = "",
    camera: Camera = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take one picture, kept on the camera's card. 拍照

    For a picture that comes to the kit: fieldlink drone video snapshot
    """

    def lines(found: dict[str, Any]) -> list[str]:
        index = "" if found["index"] is None else f", number 编号 {found['index']}"
        if found["confirmed"]:
            return [f"{found['vehicle']}: taken 已拍照{index}"]
        return [f"{found['vehicle']}: accepted, and not confirmed by the camera 已接受，未确认"]

    answered(config, as_json, lines, "camera.photo", vehicle=vehicle, camera=camera)


def _records(word: str, on: bool, text: str) -> None:
    """Give `record` its `word`."""

    def record(
        vehicle: Vehicle = "",
        camera: Camera = 0,
        config: ConfigFile = None,
        as_json: AsJson = False,
    ) -> None:
        answered(config, as_json, _recorded, "camera.record", vehicle=vehicle, camera=camera, on=on)

    record_app.command(word, help=text)(record)


_records("start", True, "Begin to record. 开始录像")
_records("stop", False, "End the recording. 停止录像")


def _recorded(found: dict[str, Any]) -> list[str]:
    words = "records 录像中" if found["on"] else "has stopped recording 已停止录像"
    if not found["confirmed"]:
        words = "accepted, and not confirmed by the camera 已接受，未确认"
    return [f"{found['vehicle']}: {words}"]


@camera_app.command("zoom")
def zoom(
    to: Annotated[str, typer.Argument(help="in, out, stop, or 0 to 100 (percent of its range).")],
    vehicle: Vehicle = "",
    camera: Camera = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Zoom, until `stop` or the end of its range; or to a percentage. 变焦"""
    answered(config, as_json, _zoomed, "camera.zoom", vehicle=vehicle, camera=camera, to=to)


def _zoomed(found: dict[str, Any]) -> list[str]:
    return [f"{found['vehicle']}: zoom 变焦 {found['to']}"]


@camera_app.command("mode")
def mode(
    to: Annotated[Literal["photo", "video", "survey"], typer.Argument(help="What it is set to.")],
    vehicle: Vehicle = "",
    camera: Camera = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Set it to pictures, video, or a survey's pictures. 切换模式"""

    def lines(found: dict[str, Any]) -> list[str]:
        return [f"{found['vehicle']}: mode 模式 {found['mode']}"]

    answered(config, as_json, lines, "camera.mode", vehicle=vehicle, camera=camera, mode=to)


@gimbal_app.command("show")
def gimbal_show(
    vehicle: Vehicle = "",
    watch: Watch = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Where it looks, how far it turns, and who has it in hand. 云台状态"""
    from fieldlink.edge.drone.eye_wording import gimbal_lines

    show = watched if watch else answered
    show(config, as_json, gimbal_lines, "gimbal.show", vehicle=vehicle)


@gimbal_app.command("point")
def gimbal_point(
    pitch: Annotated[
        float | None, typer.Option(min=-180, max=180, help="Down negative: -90 straight down.")
    ] = None,
    yaw: Annotated[
        float | None, typer.Option(min=-360, max=360, help="From the nose, right positive.")
    ] = None,
    north: Annotated[bool, typer.Option("--north", help="--yaw is from north, and stays.")] = False,
    lat: Annotated[float | None, typer.Option(min=-90, max=90, help="A place, deg.")] = None,
    lon: Annotated[float | None, typer.Option(min=-180, max=180, help="A place, deg.")] = None,
    alt: Annotated[
        float | None, typer.Option(help="Its height above the sea, m; without: as high as home.")
    ] = None,
    home: Annotated[
        bool, typer.Option("--home", "--neutral", help="Ahead, as when it is switched on.")
    ] = False,
    vehicle: Vehicle = "",
    yes: Yes = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Look somewhere: by angles, at a place, or ahead. 转动云台"""

    def lines(found: dict[str, Any]) -> list[str]:
        return [f"{found['vehicle']}: {found['said']}"]

    confirmed(
        config, as_json, lines, "gimbal.point", vehicle=vehicle, pitch=pitch, yaw=yaw,
        north=north, lat=lat, lon=lon, alt=alt, home=home, yes=yes,
    )  # fmt: skip
