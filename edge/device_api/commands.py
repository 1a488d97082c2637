"""`fieldlink edge device`: who may speak to the kit over MQTT. Each parses, calls, prints."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="The devices around the kit that speak to it over MQTT: docs/devices.md. 周边设备",
)

_KINDS = "What it is: soldier, sensor, vehicle, drone, ball, ... (a-z, 0-9, _ and -)."


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name: 1 to 32 of a-z, 0-9, _ and -.")],
    kind: Annotated[str, typer.Option(help=_KINDS)] = "soldier",
    host: Annotated[str, typer.Option(help="The kit's address as it reaches it.")] = "",
    dji: Annotated[
        str, typer.Option(help="Serial number of the DJI remote controller or dock it flies by.")
    ] = "",
    png: Annotated[Path | None, typer.Option(help="Write the QR code here, as a picture.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Register the device NAME, or give it a new password, and show its QR code. 登记设备

    The password is shown once and kept nowhere: a device that has lost it is added again.
    """
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import add_device, write_picture
    from fieldlink.edge.device_api.credentials import qr_png

    settings = load_edge_settings(config)
    made, said = add_device(settings, name, kind, host, dji)
    if dji:
        made["page"] = settings.dji.page_url(str(made["host"]), str(made["name"]))
    if as_json:
        say_json(made)
    else:
        _say_added(made, said)
    if png is not None:  # last: the password is shown only now, whatever becomes of the file
        write_picture(png, qr_png(made["uri"]))


def _say_added(made: dict[str, Any], said: str) -> None:
    from fieldlink.edge.device_api.credentials import qr_lines

    say(f"{said} 已登记")
    if "page" in made:
        say(f"in Pilot 2, Cloud Service, Other platforms 第三方云平台: {made['page']}")
        say(f"password 密码: {made['password']}")
        return
    for line in qr_lines(made["uri"]) if sys.stdout.isatty() else ():
        typer.echo(line)
    say(str(made["uri"]))


@app.command("list")
def list_devices(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """The registered devices. 设备列表"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import ask_desk, device_lines

    found = ask_desk(load_edge_settings(config), "list", {})
    if as_json:
        say_json({"enabled": found["enabled"], "devices": found["devices"]})
        return
    for line in device_lines(found):
        say(line)


@app.command("remove")
def remove(name: str, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Put the device NAME out: it is cut off at once. 移除设备"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import ask_desk

    found = ask_desk(load_edge_settings(config), "remove", {"name": name})
    if as_json:
        say_json({"removed": name})
    else:
        say(f"{found['said']} 已移除")


@app.command("schema")
def schema() -> None:
    """The JSON Schema of every message that a device may send. 消息格式"""
    import json

    from fieldlink.codecs.device_api import json_schema

    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=1))
