"""`fieldlink edge jt808`: the terminals that speak JT/T 808. Each parses, calls, prints."""

from typing import Annotated

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Terminals that speak JT/T 808: docs/jt808.md. 部标终端"
)


@app.command("list")
def list_terminals(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """The terminals that the kit has heard, and how they are. 终端列表"""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.jt808.beside import ask_terminals, terminal_lines

    found = ask_terminals(load_edge_settings(config), "jt808-list")
    if as_json:
        say_json(found)
        return
    for line in terminal_lines(found):
        say(line)


@app.command("text")
def text(
    name: Annotated[str, typer.Argument(help="The terminal's name, or its number.")],
    words: Annotated[str, typer.Argument(help="What it shows and speaks, in GBK.")],
    urgent: Annotated[bool, typer.Option(help="Mark it as urgent.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show and speak WORDS on the terminal NAME. 文本下发

    Exit status 0: the terminal has it; 2: it has not, and why.
    """
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.jt808.beside import ask_terminals

    fields = {"name": name, "text": words, "urgent": urgent}
    answer = ask_terminals(load_edge_settings(config), "jt808-text", **fields)
    if as_json:
        say_json(answer)
    else:
        say(str(answer.get("said", "")))
    if not answer.get("ok"):
        raise typer.Exit(2)
