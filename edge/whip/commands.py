"""`fieldlink edge whip`: who may push video to the kit. Each parses, calls, prints."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Publishers by WHIP: OBS, phones, browsers; docs/devices.md. 视频推流 (WHIP)",
)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help='The name of a device whose url is "whip:".')],
    host: Annotated[str, typer.Option(help="The kit's address as the publisher reaches it.")] = "",
    png: Annotated[Path | None, typer.Option(help="Write the QR code here, as a picture.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let the device NAME publish, or give it a new token; shows URL, token and QR code. 登记推流

    The token is shown once and kept nowhere. In OBS: Settings, Stream, Service WHIP, Server the
    URL, Bearer Token the token. The QR code holds both, for a publisher that takes one URL.
    """
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import write_picture
    from fieldlink.edge.device_api.credentials import qr_png
    from fieldlink.edge.whip.desk import ask_whip
    from fieldlink.edge.whip.wording import hints

    settings = load_edge_settings(config)
    found = ask_whip(settings, "add", name=name, host=host)
    made: dict[str, Any] = found["publisher"]
    if as_json:
        say_json(made)
    else:
        _say_added(made, str(found["said"]))
        for line in hints(settings, name):
            say(line)
    if png is not None:  # last: the token is shown only now, whatever becomes of the file
        write_picture(png, qr_png(made["uri"]))


def _say_added(made: dict[str, Any], said: str) -> None:
    from fieldlink.edge.device_api.credentials import qr_lines

    say(f"{said} 已登记推流")
    for line in qr_lines(made["uri"]) if sys.stdout.isatty() else ():
        typer.echo(line)
    say(f"URL 地址: {made['url']}")
    say(f"Bearer Token 令牌: {made['token']}")
    if made.get("tls_url", made["url"]) != made["url"]:
        say(f"with TLS 加密: {made['tls_url']}  CA: {made['ca']}")


@app.command("list")
def list_publishers(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Everybody who may publish, and who does. 推流列表"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.whip.desk import ask_whip
    from fieldlink.edge.whip.wording import token_lines

    settings = load_edge_settings(config)
    found = ask_whip(settings, "list")
    if as_json:
        say_json({"enabled": found["enabled"], "publishers": found["publishers"]})
        return
    for line in token_lines(found):
        say(line)


@app.command("remove")
def remove(name: str, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let the device NAME publish no more. 移除推流"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.whip.desk import ask_whip

    found = ask_whip(load_edge_settings(config), "remove", name=name)
    if as_json:
        say_json(found)
    else:
        say(f"{found['said']} 已移除")
