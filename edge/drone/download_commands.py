"""`fieldlink drone mission|fence|rally|param`: what an aircraft keeps, as files."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.asking import Vehicle, said
from fieldlink.edge.drone.once import ask_once, shown_progress
from fieldlink.edge.drone.output import Force, check_out, write_out

if TYPE_CHECKING:
    from fieldlink.drone.commanding.values import Parameter

__all__ = ["fence_app", "mission_app", "param_app", "rally_app"]

_PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help=".waypoints (Mission Planner, MAVProxy, QGroundControl), .plan (QGroundControl; of a"
        " mission with fence and rally points), or .json. Without: on this screen.",
    ),
]
_ParamFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help=".param (Mission Planner, MAVProxy), .params (QGroundControl), or .json. Without: on"
        " this screen.",
    ),
]
_PLANS = ("waypoints", "plan", "json")
_KINDS = ("mission", "fence", "rally")


def _app(what: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, help=f"{what} Only read from the aircraft. 只读不写。")


mission_app = _app("The mission that an aircraft has been told to fly. 任务航线")
fence_app = _app("An aircraft's geofence. 电子围栏")
rally_app = _app("An aircraft's rally points, where it may land. 备降点")
param_app = _app("An aircraft's parameters. 飞控参数")


def _downloads(app: typer.Typer, kind: str, ending: str, chinese: str) -> None:
    """Give `app` its `download`: a kind of plan is read as the others are."""

    def download(
        vehicle: Vehicle = "",
        out: _PlanFile = None,
        force: Force = False,
        config: ConfigFile = None,
        as_json: AsJson = False,
    ) -> None:
        _plan(kind, vehicle, out, force, config, as_json)

    example = f"fieldlink drone {kind} download --vehicle m300-1 -o {kind}.{ending}"
    app.command("download", help=f"Read it from the aircraft. {chinese}\n\n{example}")(download)


_downloads(mission_app, "mission", "plan", "下载航线")
_downloads(fence_app, "fence", "plan", "下载围栏")
_downloads(rally_app, "rally", "waypoints", "下载备降点")


@param_app.command("download")
def param(
    vehicle: Vehicle = "",
    out: _ParamFile = None,
    force: Force = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read all parameters from the aircraft. 下载参数

    fieldlink drone param download --vehicle m300-1 -o m300-1.param
    """
    _param([], vehicle, out, force, config, as_json)


@param_app.command("show")
def show(
    names: Annotated[
        list[str], typer.Argument(help="Names, with * for anything: BATT* FS_*", metavar="NAME...")
    ],
    vehicle: Vehicle = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Some parameters, by their names. All are read, for that is one question. 查看参数

    fieldlink drone param show 'BATT*' 'FS_*' --vehicle m300-1
    """
    _param(names, vehicle, None, False, config, as_json)


def _plan(
    kind: str, vehicle: str, out: Path | None, force: bool, config: Path | None, as_json: bool
) -> None:
    from fieldlink.edge.drone.written import plan_pieces, shown_items

    form = _form(out, _PLANS, force)
    # A plan without the fence would take it off the aircraft when it is loaded and sent back.
    kinds = list(_KINDS) if form == "plan" and kind == "mission" else [kind]
    asked = {"vehicle": vehicle, "kinds": kinds, "home": form == "plan"}
    found = ask_once(config, "plan.download", shown_progress(as_json), **asked)
    if out is None:
        said(found, as_json, lambda found: list(shown_items(found["plans"][kind])))
        return
    counts = {name: len(items) for name, items in found["plans"].items() if items is not None}
    lacking = [name for name, items in found["plans"].items() if items is None]
    _write(out, plan_pieces(found, kind, form), force, as_json, found["vehicle"], counts)
    if lacking and not as_json:
        say(f"not on this aircraft 该机不支持: {', '.join(lacking)}")


def _param(
    names: list[str],
    vehicle: str,
    out: Path | None,
    force: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    from fieldlink.drone.commanding.files import (
        PARAMETER_FORMATS,
        matching,
        number_text,
        parameter_lines,
    )
    from fieldlink.drone.commanding.values import Parameter

    form = _form(out, PARAMETER_FORMATS, force)
    found = ask_once(config, "param.download", shown_progress(as_json), vehicle=vehicle)
    every = [Parameter(*one) for one in found["parameters"]]
    wanted = matching(every, names)
    if out is not None:
        head = f"parameters of {found['vehicle']}, system {found['system']}, by fieldlink"
        who = {"system": found["system"], "component": found["component"]}
        pieces = parameter_lines(every, form, **who, head=head)
        _write(out, pieces, force, as_json, found["vehicle"], {"parameters": len(every)})
    elif as_json:
        say_json({**found, "parameters": [_said(one) for one in wanted]})
    else:
        for one in wanted:
            say(f"{one.name:<16}  {number_text(one.value)}")
    if names and not wanted:
        if not as_json:
            say(f"none of {len(every)} fits 没有匹配的参数")
        raise typer.Exit(1)


def _said(one: "Parameter") -> dict[str, Any]:
    return {"name": one.name, "value": one.value, "type": one.type}


def _form(out: Path | None, forms: Iterable[str], force: bool) -> str:
    """The form by the ending; before anything is asked of an aircraft."""
    if out is None:
        return ""
    form = out.suffix.lower().removeprefix(".")
    if form not in forms:
        raise typer.BadParameter(f"{out.name}: end it in .{', .'.join(forms)}")
    check_out(out, force)
    return form


def _write(
    out: Path,
    pieces: Iterable[str],
    force: bool,
    as_json: bool,
    vehicle: str,
    counts: dict[str, int],
) -> None:
    size = write_out(out, pieces, force)
    if as_json:
        say_json({"vehicle": vehicle, "file": str(out), "bytes": size, **counts})
        return
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    say(f"{vehicle}: {told} -> {out}, {size} bytes 已下载")
