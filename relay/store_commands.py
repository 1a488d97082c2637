"""`fieldlink relay incident` and `fieldlink relay catalogue`."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json, shown_time

incident = typer.Typer(no_args_is_help=True, help="Incidents: emergencies being worked. 事件")
catalogue = typer.Typer(no_args_is_help=True, help="Check the archive, mend the catalogue. 目录")


@incident.command("start")
def start(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    config: ConfigFile = None,
    ident: Annotated[str, typer.Option("--id", help="Its id; made from the name if empty.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="When it began (T0), UTC; now if left out.")
    ] = None,
    window: Annotated[str, typer.Option(help="Its window, like 2h or 90min.")] = "2h",
    as_json: AsJson = False,
) -> None:
    """Start an incident; its window's clock runs from T0. 启动事件"""
    from fieldlink.relay.beside import now_us, opened, window_us

    with opened(config) as (_settings, store):
        begun_us = now_us() if since is None else _us(since)
        opened_one = store.open_incident(name, begun_us, window_us(window), slug=ident)
    if as_json:
        say_json(asdict(opened_one))
    else:
        say(f"{opened_one.id}: its window ends {shown_time(opened_one.due_us)}")


@incident.command("list")
def list_incidents(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """All incidents, the newest first. 事件列表"""
    from fieldlink.relay.beside import opened

    with opened(config) as (_settings, store):
        found = store.incidents()
    if as_json:
        say_json({"incidents": [asdict(one) for one in found]})
        return
    for one in found:
        state = "open" if one.closed_us is None else f"closed {shown_time(one.closed_us)}"
        say(f"{one.id:24} T0 {shown_time(one.start_us)}  {state}  {one.name}")


@incident.command("close")
def close(
    ident: Annotated[str, typer.Argument(metavar="ID", help="The incident's id.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Close an incident: what is captured from now on belongs to another. 结束事件"""
    from fieldlink.relay.beside import now_us, opened

    with opened(config) as (_settings, store):
        closed = store.close_incident(ident, now_us())
    if as_json:
        say_json(asdict(closed))
    else:
        say(f"{closed.id}: closed {shown_time(closed.closed_us)}")


@catalogue.command("verify")
def verify(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Hash every file of the archive again and say what does not match. 校验档案"""
    from fieldlink.relay.archive import Archive
    from fieldlink.relay.archive.verify import verify as check_all
    from fieldlink.relay.beside import opened

    good: list[str] = []
    bad: list[dict[str, str]] = []
    with opened(config) as (settings, store):
        for one in check_all(Archive.open(settings.archive_root, write=False), store):
            if one.problem is not None:
                bad.append({"path": one.path, "problem": one.problem})
            elif one.bundle_id is not None:
                good.append(one.bundle_id.hex())
    if as_json:
        say_json({"ok": not bad, "good": good, "bad": bad})
    else:
        for fault in bad:
            say(f"{fault['path']} {fault['problem']}")
        say(f"{len(good)} files are right, {len(bad)} are not")
    raise typer.Exit(1 if bad else 0)


@catalogue.command("rebuild")
def rebuild(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Put the catalogue aside and make it again from the archive; stop the relay first. 重建目录"""
    from fieldlink.relay.beside import rebuild_catalogue

    findings = rebuild_catalogue(config)
    if as_json:
        say_json({"findings": findings})
    else:
        for finding in findings:
            say(finding)


def _us(at: datetime) -> int:
    known = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(known.timestamp() * 1_000_000)
