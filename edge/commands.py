"""`fieldlink edge`: the kit's commands. Each parses, calls one function, prints."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.device_api.commands import app as device_app
from fieldlink.edge.dji.commands import app as dji_app
from fieldlink.edge.jt808.commands import app as jt808_app
from fieldlink.edge.sensors.commands import app as sensor_app
from fieldlink.edge.spool_commands import app as spool_app
from fieldlink.edge.whip.commands import app as whip_app

app = typer.Typer(
    no_args_is_help=True,
    help="""The kit: record its devices, keep what they give, and send it. 现场设备箱

    fieldlink edge join CODE     bring this kit to a centre, with the code that it printed

    fieldlink edge check         try sources, disk, clock and centre; says what to do

    fieldlink edge run           record and send, until SIGTERM

    fieldlink edge status        what is connected, what has gone, what has not

    fieldlink edge plan          what is still to go, and whether it will be in time

    fieldlink edge device add    let a device around the kit speak to it: a QR code to scan

    fieldlink edge mark          bookmark what just happened: it goes sooner, and is kept""",
)
settings_app = typer.Typer(no_args_is_help=True, help="The settings. 配置")
bearer_app = typer.Typer(no_args_is_help=True, help="The ways to the centre. 链路")
app.add_typer(settings_app, name="config")
app.add_typer(bearer_app, name="bearer")
app.add_typer(device_app, name="device")
app.add_typer(jt808_app, name="jt808")
app.add_typer(dji_app, name="dji")
app.add_typer(whip_app, name="whip")
app.add_typer(spool_app, name="spool")
app.add_typer(sensor_app, name="sensor")


@app.command()
def run(config: ConfigFile = None) -> None:
    """Record and send until SIGTERM or Ctrl-C. 运行"""
    import asyncio
    import logging

    from fieldlink.edge.agent import run_agent
    from fieldlink.edge.config import load_edge_settings

    settings = load_edge_settings(config)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(run_agent(settings, config, say))


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Try sources, disk, clock and centre, and say what to do. 自检

    Exit status 0: all good; 3: only the link is down; 1: something else is wrong.
    """
    from fieldlink.edge.check import check_kit, exit_status
    from fieldlink.edge.config import load_edge_settings

    findings = []
    for finding in check_kit(load_edge_settings(config)):
        findings.append(finding)
        if not as_json:
            say(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.english}")
            say(f"       {finding.chinese}")
    if as_json:
        status = exit_status(findings)
        say_json({"ok": status == 0, "findings": [asdict(finding) for finding in findings]})
    raise typer.Exit(exit_status(findings))


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is connected, what has gone and what has not. 状态"""
    from shutil import get_terminal_size

    from fieldlink.edge.beside import kit_status
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.show import status_lines

    found = kit_status(load_edge_settings(config))
    if as_json:
        say_json(found)
        return
    for line in status_lines(found, get_terminal_size().columns):
        say(line)


@app.command()
def join(
    code: Annotated[str, typer.Argument(help="The join code that the centre printed.")],
    config: ConfigFile = None,
    force: Annotated[bool, typer.Option(help="Replace the identity that this kit has.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring this kit to a centre. 入网"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.join import join as join_centre

    identity = join_centre(code, load_edge_settings(config).state_dir, force=force)
    where = f"{identity.broker_host}:{identity.broker_port}"
    if as_json:
        say_json({"kit": identity.kit, "centre": identity.centre_url, "broker": where})
    else:
        say(f"this kit is {identity.kit} now; its centre is {identity.centre_url} 入网成功")


@app.command()
def reload(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Have the running agent read its configuration again. 重新读取配置"""
    _tell(config, "reload", as_json)


@app.command()
def drain(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Have the running agent stop recording and send what it holds. 停止记录并送完余下

    Devices, terminals and sensors are still heard: a call for help goes through.
    """
    _tell(config, "drain", as_json)


@app.command()
def metrics(config: ConfigFile = None) -> None:
    """The kit's figures in Prometheus' text format, for a textfile collector. 监控指标"""
    from fieldlink.edge.beside import kit_status
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.metrics import metrics_lines

    for line in metrics_lines(kit_status(load_edge_settings(config))):
        typer.echo(line)


@app.command()
def plan(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is still to go, when it will be there, and whether that is in time. 发送计划"""
    from shutil import get_terminal_size

    from fieldlink.edge.beside import tell_agent
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.plan_show import plan_lines

    found = tell_agent(load_edge_settings(config), "plan")["plan"]
    if as_json:
        say_json(found)
        return
    for line in plan_lines(found, get_terminal_size().columns):
        say(line)


@app.command()
def mark(
    note: Annotated[str, typer.Argument(help="Why it matters; may be left out.")] = "",
    device: Annotated[str, typer.Option(help="Only this device; without it all of them.")] = "",
    before: Annotated[str, typer.Option(help="From so long ago.")] = "30s",
    after: Annotated[str, typer.Option(help="Until so long from now.")] = "30s",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Bookmark what just happened: it goes sooner, and is given up last. 标记"""
    from fieldlink.edge.beside import mark_fields

    _tell(config, "mark", as_json, **mark_fields(device, note, before, after))


@bearer_app.command("hold")
def hold(name: str, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Stop using the bearer NAME until it is released or the agent restarts. 暂停使用"""
    _tell(config, "hold", as_json, bearer=name, on=True)


@bearer_app.command("release")
def release(name: str, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Use the bearer NAME again. 恢复使用"""
    _tell(config, "hold", as_json, bearer=name, on=False)


def _tell(config: Path | None, command: str, as_json: bool, **fields: Any) -> None:
    from fieldlink.edge.beside import tell_agent
    from fieldlink.edge.config import load_edge_settings

    answer = tell_agent(load_edge_settings(config), command, **fields)
    if as_json:
        say_json(answer)
    else:
        say(str(answer.get("said", "")))
    if not answer.get("ok"):
        raise typer.Exit(2)


@settings_app.command("check")
def config_check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check the settings file and print the effective values, secrets masked. 检查配置"""
    from fieldlink.codecs.settings import describe_settings
    from fieldlink.edge.beside import flat
    from fieldlink.edge.config import load_edge_settings

    values = describe_settings(load_edge_settings(config))
    if as_json:
        import json

        typer.echo(json.dumps(values, ensure_ascii=False, default=str))
        return
    for key, value in flat(values):
        say(f"{key} = {value}")
