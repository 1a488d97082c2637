"""`fieldlink relay devices`, `alarms` and `history`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

if TYPE_CHECKING:
    from fieldlink.relay.catalogue import Catalogue, StoredAlarm

__all__ = ["alarms", "devices", "history"]

Note = Annotated[str, typer.Option(help="Why, in a few words.")]


def devices(
    config: ConfigFile = None,
    kit: Annotated[str | None, typer.Option(help="Only of this kit.")] = None,
    as_json: AsJson = False,
) -> None:
    """The latest of every device: age, position, battery, alarms. 设备最新状态"""
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.telemetry.telling import device_lines, latest_document

    with opened(config) as (_settings, store):
        found = latest_document(store, now_us(), kit)
    if as_json:
        say_json(found)
        return
    if not found["devices"]:
        say("no device was heard yet 还没有设备数据")
    for line in device_lines(found):
        say(line)


def alarms(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[list | ack ID | clear ID]",
            help="What to do; ID is the alarm's, or as much of its begin as is enough.",
        ),
    ] = None,
    config: ConfigFile = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Alarms that are not over; acknowledge one, or end it. 告警

    fieldlink relay alarms                    what is not over

    fieldlink relay alarms ack ID --note "on our way"

    fieldlink relay alarms clear ID
    """
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.relay.beside import opened
    from fieldlink.relay.telemetry.alarm_row import alarm_row
    from fieldlink.relay.telemetry.telling import alarm_lines

    said = words or ["list"]
    with opened(config) as (_settings, store):
        if said == ["list"]:
            rows = [alarm_row(each) for each in store.alarms(active_only=not everything)]
        elif len(said) == 2 and said[0] in {"ack", "clear"}:
            rows = [alarm_row(_changed(store, said[0], said[1], note))]
        else:
            raise ConfigError("write list, or ack ID, or clear ID 请写 list、ack ID 或 clear ID")
    if as_json:
        say_json({"alarms": rows})
        return
    if not rows:
        say("no alarm 没有告警")
    for line in alarm_lines(rows):
        say(line)


def history(
    kit: Annotated[str, typer.Argument(help="The kit.")],
    device: Annotated[str, typer.Argument(help="The device.")],
    stream: Annotated[str, typer.Argument(help="position, vitals, battery, air, ...")],
    config: ConfigFile = None,
    start: Annotated[str, typer.Option("--from", help="14:05, -10m, ISO 8601.")] = "-10m",
    end: Annotated[str, typer.Option("--to", help="As --from; now if left out.")] = "now",
    every: Annotated[str, typer.Option(help="At most one sample in so long, like 10s.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """The samples of a stream, and what is missing between them. 历史数据

    fieldlink relay history kit-1 soldier-3 vitals --from -10m

    What came within the last seconds may not be there yet: the page has it.
    """
    from fieldlink.codecs.settings.times import read_span, seconds_of
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.telemetry.history import Query
    from fieldlink.relay.telemetry.telling import history_document, history_lines

    now = now_us()
    span = read_span(start, end, now, None)
    every_us = round(seconds_of(every, "--every") * 1e6) if every else 0
    query = Query(kit, device, stream, *span, every_us=every_us, limit=limit)
    with opened(config) as (_settings, store):
        found = history_document(store, query, now)
    if as_json:
        say_json(found)
        return
    for line in history_lines(found):
        say(line)


def _changed(store: "Catalogue", change: str, start: str, note: str) -> "StoredAlarm":
    from fieldlink.relay.beside import now_us, operator
    from fieldlink.relay.telemetry.telling import chosen_alarm
    from fieldlink.relay.telemetry.words import described

    alarm = chosen_alarm(store, start)
    act = store.acknowledge_alarm if change == "ack" else store.clear_alarm
    said: dict[str, Any] = {"who": operator(), "note": note, "now_us": now_us()}
    done = act(alarm.kit, alarm.ident, **said, describe=described)
    return done.alarm
