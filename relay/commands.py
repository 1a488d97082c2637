"""`fieldlink relay`: the centre's commands."""

from dataclasses import asdict
from typing import Annotated

import typer

from fieldlink.relay.account_commands import token, user
from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json, shown_time
from fieldlink.relay.export_commands import export
from fieldlink.relay.flight_commands import flights
from fieldlink.relay.original_commands import originals_app
from fieldlink.relay.store_commands import catalogue, incident
from fieldlink.relay.telemetry_commands import alarms, devices, history
from fieldlink.relay.want_commands import LOOSE, list_wants, mark, want
from fieldlink.relay.window_commands import window

app = typer.Typer(
    no_args_is_help=True,
    help="""The centre: receive, archive and show what the kits send. 指挥中心

    fieldlink relay run           the centre, until SIGTERM; makes what it needs on first run

    fieldlink relay admit kit-1   a join code for the kit, beside a running centre

    fieldlink relay status        what runs, which kits are heard, what was refused""",
)
settings_app = typer.Typer(no_args_is_help=True, help="The settings. 配置")
app.add_typer(incident, name="incident")
app.add_typer(catalogue, name="catalogue")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(settings_app, name="config")
app.add_typer(flights, name="flights")
app.add_typer(originals_app, name="originals")
app.command("want", context_settings=LOOSE)(want)
app.command("wants")(list_wants)
app.command("window")(window)
app.command("mark", context_settings=LOOSE)(mark)
app.command("devices")(devices)
app.command("alarms")(alarms)
app.command("history", context_settings=LOOSE)(history)
app.command("export", context_settings=LOOSE)(export)

KitName = Annotated[str, typer.Argument(help="The kit's name: 1 to 32 of a-z, 0-9, _ and -.")]


@app.command()
def run(config: ConfigFile = None) -> None:
    """Run the centre until SIGTERM or Ctrl-C. 运行指挥中心"""
    import asyncio
    import logging

    from fieldlink.relay.centre import run_centre
    from fieldlink.relay.config import load_relay_settings

    settings = load_relay_settings(config)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asyncio.run(run_centre(settings, say))


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Whether the centre runs, which kits it hears, and what it refused. 状态"""
    from fieldlink.relay.beside import centre_status, opened, stale

    with opened(config) as (settings, store):
        found = centre_status(settings, store)
    if as_json:
        say_json(found)
        return
    say(f"centre  {'running, page ' + found['page'] if found['running'] else 'not running'}")
    if found["running"]:
        if stale(found["beat_us"]):
            say(f"disk    nothing was written since {shown_time(found['beat_us'])}: is it full?")
        elif not found.get("room", True):
            say("disk    nearly full: kits have to wait; make room")
        say(f"broker  {found['broker']}{'' if found['broker_reached'] else ' is not reached'}")
        say(f"filed   {found['filed']} bundles since {shown_time(found['started_us'])}")
        for kind, count in found["refused"].items():
            say(f"refused {count} x {kind}")
    for kit in found["kits"]:
        say(f"kit     {kit['kit']}  {kit['state']}  heard {shown_time(kit['last_heard_us'])}")


@app.command()
def admit(
    kit: KitName,
    config: ConfigFile = None,
    address: Annotated[
        str,
        typer.Option(help="Address by which the kit reaches this centre; else the configured one."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Admit a kit: prints a join code, good once within a day. 接纳设备箱"""
    from fieldlink.relay.beside import admit_kit, opened

    with opened(config) as (settings, store):
        code, expires_us = admit_kit(settings, store, kit, address)
    if as_json:
        say_json({"kit": kit, "code": code, "expires_us": expires_us})
    else:
        say(code)
        typer.echo(f"On the kit: fieldlink edge join {code}", err=True)
        typer.echo(f"Good once, until {shown_time(expires_us)}. 一次有效", err=True)


@app.command()
def revoke(kit: KitName, config: ConfigFile = None) -> None:
    """Put a kit out: its certificate and any open code are void within a second. 吊销"""
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.pki.admission import revoke as put_out

    with opened(config) as (_settings, store):
        put_out(store, kit, now_us())
        store.log_event("revoked", kit, f"{kit} was revoked by a command", now_us())
    say(f"{kit} is revoked")


@app.command()
def kits(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every kit that was ever admitted or heard. 设备箱列表"""
    from fieldlink.relay.beside import kit_lines, opened

    with opened(config) as (_settings, store):
        found = kit_lines(store)
    if as_json:
        say_json({"kits": found})
        return
    for kit in found:
        heard = f"heard {shown_time(kit['last_heard_us'])}"
        say(f"{kit['kit']:32} {kit['state']:10} {heard}  {kit['software'] or '-'}")


@app.command()
def events(
    config: ConfigFile = None,
    kit: Annotated[str | None, typer.Option(help="Only of this kit.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """What was refused, revoked, lost and found, the newest last. 事件记录"""
    from fieldlink.relay.beside import opened

    with opened(config) as (_settings, store):
        found = store.events(kit=kit, limit=limit)
    if as_json:
        say_json({"events": [asdict(event) for event in found]})
        return
    for event in found:
        times = f" x {event.count}" if event.count > 1 else ""
        say(f"{shown_time(event.at_us)}  {event.kind}{times}  {event.kit or '-'}  {event.text}")


@settings_app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check the settings and print the effective values. 检查配置"""
    from fieldlink.codecs.settings import describe_settings
    from fieldlink.relay.config import load_relay_settings

    values = describe_settings(load_relay_settings(config))
    if as_json:
        say_json(values)
        return
    for section, value in values.items():
        for key, item in value.items() if isinstance(value, dict) else ((None, value),):
            say(f"{section}{'.' + key if key else ''} = {item!r}")
