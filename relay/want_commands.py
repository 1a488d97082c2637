"""`fieldlink relay want`, `wants` and `mark`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json, shown_time

if TYPE_CHECKING:
    from fieldlink.relay.catalogue import Catalogue, StoredWant

__all__ = ["LOOSE", "list_wants", "mark", "want"]

# "-10m" is a time and no option.
LOOSE = {"ignore_unknown_options": True}
_ENDED_SHOWN_US = 86_400_000_000


def want(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="KIT/DEVICE[/STREAM] FROM TO | first ID | cancel ID",
            help="What to ask for; or a request to put first, or to take back.",
        ),
    ],
    config: ConfigFile = None,
    layer: Annotated[
        str, typer.Option(help="still, proxy or original.", show_default=True)
    ] = "original",
    as_json: AsJson = False,
) -> None:
    """Ask a kit to send a span of a stream before the rest. 向设备箱索取一段录像

    fieldlink relay want kit-1/ball-1 14:05 14:10     the original of five minutes

    fieldlink relay want kit-1/ball-1 -10m now --layer proxy

    fieldlink relay want first ID        before everything else that its kit was asked for

    fieldlink relay want cancel ID       no longer

    Times without a zone are this machine's: 14:05, 14:05:30, 2026-11-28T14:05, -10m, now.
    """
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.relay.beside import opened

    with opened(config) as (_settings, store):
        if len(words) == 2 and words[0] in {"cancel", "first"}:
            found = _changed(store, words[0], words[1])
        elif len(words) == 3:
            found = _asked(store, words, layer)
        else:
            raise ConfigError("write KIT/DEVICE[/STREAM] FROM TO, or first ID, or cancel ID")
        _tell([found], store, as_json=as_json, one=True)


def list_wants(
    config: ConfigFile = None,
    kit: Annotated[str | None, typer.Option(help="Only of this kit.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what ended more than a day ago.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What kits are asked for and what is bookmarked, each kit's most urgent first. 索取列表"""
    from fieldlink.relay.beside import now_us, opened

    since_us = None if everything else now_us() - _ENDED_SHOWN_US
    with opened(config) as (_settings, store):
        _tell(store.wants(kit=kit, since_us=since_us), store, as_json=as_json)


def mark(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIT[/DEVICE[/STREAM]]] [NOTE]",
            help="What is bookmarked, all kits if nothing; and why, in a few words.",
        ),
    ] = None,
    config: ConfigFile = None,
    at: Annotated[str, typer.Option(help="The moment: 14:05:30, -2m, ISO 8601, now.")] = "now",
    before: Annotated[str, typer.Option(help="So much before it, too.")] = "30s",
    after: Annotated[str, typer.Option(help="And so much after it.")] = "30s",
    as_json: AsJson = False,
) -> None:
    """Bookmark a moment: its span is kept on the kit and sent sooner. 书签

    fieldlink relay mark kit-1/ball-1 --at 14:05:30 "rocks on the road"
    """
    import secrets

    from fieldlink.codecs.settings.times import read_time, seconds_of
    from fieldlink.relay.beside import now_us, opened, operator
    from fieldlink.relay.orders.asking import bookmark

    now = now_us()
    moment_us = read_time(at, now, None)
    span = (
        max(0, moment_us - round(seconds_of(before, "--before") * 1e6)),
        moment_us + round(seconds_of(after, "--after") * 1e6),
    )
    with opened(config) as (_settings, store):
        target, note = _marked(store, words or [])
        made = bookmark(
            store, target, span, who=operator(), note=note, now_us=now, random=secrets.token_bytes
        )
        _tell(made, store, as_json=as_json)


def _asked(store: "Catalogue", words: list[str], layer: str) -> "StoredWant":
    import secrets

    from fieldlink.codecs.settings.times import read_span
    from fieldlink.relay.beside import now_us, operator
    from fieldlink.relay.orders.asking import ask_for
    from fieldlink.relay.orders.target import read_target

    now = now_us()
    span = read_span(words[1], words[2], now, None)
    return ask_for(
        store,
        read_target(words[0]),
        span,
        layer=layer,
        who=operator(),
        now_us=now,
        random=secrets.token_bytes,
    )


def _changed(store: "Catalogue", change: str, ident: str) -> "StoredWant":
    from fieldlink.relay.beside import now_us
    from fieldlink.relay.orders.asking import want_id

    if change == "first":
        return store.put_want_first(want_id(ident))
    return store.cancel_want(want_id(ident), now_us())


def _marked(store: "Catalogue", words: list[str]) -> tuple[Any, str]:
    """The target and the note: the first word is a target when it names a kit or has a slash."""
    from fieldlink.relay.orders.target import read_target

    if words and ("/" in words[0] or store.kit(words[0]) is not None):
        return read_target(words[0], whole_kit=True), " ".join(words[1:])
    return None, " ".join(words)


def _tell(
    wants: "list[StoredWant]", store: "Catalogue", *, as_json: bool, one: bool = False
) -> None:
    from fieldlink.relay.beside import now_us
    from fieldlink.relay.orders.telling import want_row

    rows = [want_row(store, each, now_us()) for each in wants]
    if as_json:
        say_json(rows[0] if one else {"wants": rows})
        return
    if not rows:
        say("nothing is asked for 没有索取")
    for row in rows:
        said = row["layer"] or "any layer" if row["purpose"] == "send" else "bookmark 书签"
        span = f"{shown_time(row['from_us'])} to {shown_time(row['to_us'])}"
        say(f"{row['id']}  {row['state']:9} {row['share']:4.0%}  {row['name']}  {said}")
        say(f"{'':18}{span}  {row['who']}  {row['note']}".rstrip())
