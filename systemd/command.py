"""The `fieldlink` command: the one place that knows every room, each by its dotted name.

A room's module is imported when its command is called, not before, so that help stays quick and
a kit never loads the centre's libraries.
"""

import importlib
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fieldlink.systemd.terminal import exit_code, fault_lines, faults_in, reader_is_gone

__all__ = ["ROOMS", "Room", "main"]


@dataclass(frozen=True, slots=True)
class Room:
    """A command: its name, "module:attribute" of its typer app or function, what it is for."""

    name: str
    where: str
    help: str


ROOMS = (
    Room(
        "edge",
        "fieldlink.edge.commands:app",
        "The kit: record its devices, keep what they give, and send it. 现场设备箱",
    ),
    Room(
        "drone",
        # The kit's: it knows where its agent, its settings and its recordings are.
        "fieldlink.edge.drone.commands:app",
        "Aircraft: their links, state, recordings and files, with or without a kit. 无人机",
    ),
    Room(
        "relay",
        "fieldlink.relay.commands:app",
        "The centre: receive, archive and show what the kits send. 指挥中心",
    ),
    Room(
        "demo",
        "fieldlink.edge.exercise.commands:demo",
        "An exercise on this machine: a centre, a kit and four cameras. 演练",
    ),
    Room(
        "sim",
        "fieldlink.edge.simulate.commands:app",
        "Simulators of devices, such as a camera. 设备模拟",
    ),
)

_HELP = """Sound, pictures and telemetry from the site of an emergency to the command centre.

See it work on this machine:  fieldlink demo

Set up a centre, admit a kit, and start the kit:

  centre$  fieldlink relay run
  centre$  fieldlink relay admit kit-1      prints a join code
  kit$     fieldlink edge join CODE
  kit$     fieldlink edge check
  kit$     fieldlink edge run

Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 the link is down."""


class _Rooms(TyperGroup):
    """The rooms' commands, each loaded when it is about to run."""

    # Typer carries its own copy of click in some versions, so click's types are not named here.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        room = next((room for room in ROOMS if room.name == name), None)
        return name, command if room is None else _load(room), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # Typer ends quietly on any broken pipe; only one on the terminal's side may be quiet.
            if reader_is_gone():
                raise
            raise RuntimeError("a pipe or connection broke and nobody handled it") from error


def _load(room: Room) -> Any:
    module, _, attribute = room.where.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)  # a group even with one command in it
    alone = typer.Typer(add_completion=False)
    alone.command(room.name)(found)
    return typer.main.get_command(alone)


def _show_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("fieldlink"))


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None:
    """The options before any command."""


def _placeholder() -> None:
    """Stands in the list of commands; `_Rooms` loads the real one."""


def _command() -> Any:
    app = typer.Typer(cls=_Rooms, help=_HELP, no_args_is_help=True)
    app.callback()(_root)
    for room in ROOMS:
        app.command(room.name, help=room.help)(_placeholder)
    app.command("version")(version)
    return typer.main.get_command(app)


def main() -> None:
    """Run `fieldlink` with this process's arguments; ends the process."""
    try:
        _command()(prog_name="fieldlink")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        faults = faults_in(error)
        if not faults:
            raise
        for line in dict.fromkeys(line for fault in faults for line in fault_lines(fault)):
            typer.echo(f"fieldlink: {line}", err=True)
        sys.exit(max(exit_code(fault) for fault in faults))


if __name__ == "__main__":
    main()
