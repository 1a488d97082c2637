"""`fieldlink drone video export` and `klv`: video with what the aircraft said, in and out."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.output import Force, check_out, write_out

if TYPE_CHECKING:
    from fieldlink.codecs.klv import LocalSet
    from fieldlink.edge.config import EdgeSettings

__all__ = ["export", "klv"]

_SECOND = re.compile(r"(.+)-\d{1,2}")
_UNNAMED = re.compile(r"mav-\d{1,3}")
_MOST_GAPS = 5


def export(
    name: Annotated[str, typer.Argument(help="The camera's device, as in video list.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write, like clip.ts.")],
    first: Annotated[str, typer.Option("--from", help="14:05, 14:05:30, -10m or ISO 8601.")],
    last: Annotated[str, typer.Option("--to", help="The same, or now.")] = "now",
    rate: Annotated[int, typer.Option(min=1, max=10, help="Made sets a second, 1 to 10.")] = 5,
    carrier: Annotated[str, typer.Option(help="The aircraft that carries it, if not known.")] = "",
    mission: Annotated[str, typer.Option(help="What the sets say as mission id.")] = "",
    force: Force = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Recorded video with KLV (MISB ST 0601) as an MPEG transport stream. 导出带元数据的视频

    Out of the originals on this kit, nothing encoded anew. What the camera sent as KLV is in it bit
    for bit; where it sent none, the sets are made of what the kit heard of the aircraft. It begins
    with the keyframe before. QGIS, FFmpeg and players of STANAG 4609 read it.
    """
    from fieldlink.codecs.settings.times import read_span
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.klv.clips import Asked, KitClip
    from fieldlink.edge.spool import SpoolView

    from_us, to_us = read_span(first, last, time.time_ns() // 1000, None)
    settings = load_edge_settings(config)
    check_out(out, force)
    known = next((one for one in settings.device if one.name == name), None)
    asked = Asked(
        name,
        from_us,
        to_us,
        carrier or (known.carrier if known is not None else carried_by(settings, name)),
        known.hfov if known is not None else None,
        1_000_000 // rate,
        mission,
    )
    view = SpoolView.open(settings.spool_dir)
    try:
        clip = KitClip(view, asked)
        found = clip.report(out, write_out(out, clip.write(), force))
    finally:
        view.close()
    if as_json:
        say_json(found)
        return
    for line in clip_lines(found):
        say(line)


def carried_by(settings: "EdgeSettings", name: str) -> str:
    """Whose camera a device that came by itself is: an aircraft's second one is NAME-2."""
    vehicles = {one.name for one in settings.drone.vehicle}
    behind = _SECOND.fullmatch(name)
    if name in vehicles or behind is None:
        return ""
    return behind[1] if behind[1] in vehicles or _UNNAMED.fullmatch(behind[1]) else ""


def clip_lines(found: dict[str, Any]) -> list[str]:
    """What was exported, for people."""
    from fieldlink.codecs.tracks import instant

    span = f"{instant(found['from_us'])} to {instant(found['to_us'])}"
    lines = [
        f"{found['file']}: {found['bytes']} bytes 已导出",
        f"  {span}, {found['pictures']} pictures 帧",
        f"  KLV 元数据: {found['sets']} sets, {found['sets_made']} of them of telemetry 由遥测生成",
    ]
    if not found["sets"]:
        lines.append("  nobody said where it was: name what carries it with --carrier 无位置数据")
    for begin_us, end_us in found["gaps"][:_MOST_GAPS]:
        lines.append(f"  gap 缺口: {instant(begin_us)}, {(end_us - begin_us) / 1e6:.1f} s")
    if len(found["gaps"]) > _MOST_GAPS:
        lines.append(f"  and {len(found['gaps']) - _MOST_GAPS} more gaps")
    if found["missing_pieces"]:
        lines.append(f"  not on this kit any more 已不在本机: {found['missing_pieces']} pieces")
    if found["ended"]:
        lines.append(f"  it ends there 到此为止: {found['ended']}; export the rest by itself")
    lines += [f"  DAMAGED 损坏: {one}" for one in found["damaged"][:_MOST_GAPS]]
    return lines


def klv(
    file: Annotated[Path, typer.Argument(help="A .ts file, or sets alone: .klv.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the sets alone, as they are: .klv.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Show one in so many.")] = 1,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """What the KLV (MISB ST 0601) in a file says, set by set. 查看视频元数据

    With --json one object for each set, on a line, with every item. A damaged file gives all that
    is whole; what is not is said, and the exit status is 1. Tracks: fieldlink drone import FILE.ts
    """
    from fieldlink.drone.console.klv_files import read_klv

    found = read_klv(file)
    if out is not None:
        write_out(out, found.raw, force)
    for one in found.sets[::every]:
        if as_json:
            say_json(set_values(one))
        else:
            say(set_line(one))
    if found.bad and not as_json:
        say(f"DAMAGED 损坏  {file.name}: {found.damage}")
    elif as_json and found.bad:
        say_json({"damage": found.damage})
    raise typer.Exit(1 if found.bad else 0)


def set_values(one: "LocalSet") -> dict[str, Any]:
    """A set for programs: items by name, what is not understood by tag in hex."""
    from fieldlink.codecs.klv import ITEMS

    values = {
        ITEMS[tag].tag.name.lower(): value.hex() if isinstance(value, bytes) else value
        for tag, value in one.values.items()
    }
    others = {str(tag): raw.hex() for tag, raw in {**one.unknown, **one.misfits}.items()}
    blank = sorted(ITEMS[tag].tag.name.lower() for tag in one.blank)
    return {**values, "out_of_range": blank, "not_understood": others}


def set_line(one: "LocalSet") -> str:
    """A set on a line."""
    from fieldlink.codecs.klv import Tag, camera_angles, platform_angles
    from fieldlink.codecs.tracks import instant

    camera, heading = camera_angles(one), platform_angles(one)[0]
    parts = [
        "no time 无时间" if one.time_us is None else instant(one.time_us),
        one.text(Tag.DESIGNATION) or one.text(Tag.TAIL_NUMBER) or "",
        _at(one.number(Tag.LAT), one.number(Tag.LON)),
        _figure(one.number(Tag.ALT), "{:.1f} m"),
        _figure(heading, "heading 航向 {:.1f}"),
        "" if camera is None else f"camera 相机 {camera[0]:.1f} / {camera[1]:.1f}",
        _figure(one.number(Tag.HFOV), "hfov {:.1f}"),
    ]
    centre = _at(one.number(Tag.CENTRE_LAT), one.number(Tag.CENTRE_LON))
    return "  ".join(filter(None, [*parts, f"looks at 画面中心 {centre}" if centre else ""]))


def _at(lat: float | None, lon: float | None) -> str:
    return "" if lat is None or lon is None else f"{lat:.7f} {lon:.7f}"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
