"""`fieldlink drone import --record`, as people see it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.tracks import instant
from fieldlink.edge.command_options import say, say_json
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.importing.asking import import_path, subtitles_beside

__all__ = ["record_files"]

_MOST_FLIGHTS = 5


def record_files(config: Path | None, files: Sequence[Path], as_json: bool, **asked: Any) -> int:
    """Import all of `files`, the others as well when one cannot be; the exit status.

    Raises:
        FieldlinkError: the spool cannot take more; what came before is in it.
    """
    settings = load_edge_settings(config)
    told = _progress(as_json)
    done: list[dict[str, Any]] = []
    for path in _without_beside(files):
        try:
            result = {"file": str(path), **import_path(settings, path, told, **asked)}
        except (ConfigError, SourceError) as error:
            done.append({"file": str(path), "damage": str(error), "refused": True})
            if not as_json:
                say(f"NOT DONE 未完成  {error}")
            continue
        done.append(result)
        if not as_json:
            for line in _lines(result):
                say(line)
    if as_json:
        say_json({"files": done})
    return 1 if any(one["damage"] for one in done) else 0


def _without_beside(files: Sequence[Path]) -> Iterator[Path]:
    """`files` without the subtitles of videos among them, which go in with those."""
    beside = {found for path in files if (found := subtitles_beside(path)) is not None}
    return (path for path in files if path not in beside)


def _lines(result: dict[str, Any]) -> Iterator[str]:
    name = Path(result["file"]).name
    whose = ", ".join(result["devices"])
    if result["known"]:
        yield f"{name}: imported before, as {whose}; nothing was stored 已导入过 (--again)"
        return
    parts = [
        f"{result[key]} {what}"
        for key, what in (
            ("frames", "frames 帧"),
            ("samples", "samples 样本"),
            ("video_pieces", "pieces of video 视频段"),
            ("stills", "stills 图片"),
        )
        if result[key]
    ]
    if result["parts"]:
        parts.append("the file itself 原文件")
    yield f"{name} -> {whose}: {', '.join(parts)}"
    if result["first_us"] is not None:
        yield f"  from 从 {instant(result['first_us'])} to 至 {instant(result['last_us'])}"
    for flight in result["flights"][:_MOST_FLIGHTS]:
        yield f"  flight 飞行 {flight}"
    if len(result["flights"]) > _MOST_FLIGHTS:
        yield f"  and {len(result['flights']) - _MOST_FLIGHTS} more 等"
    if result["damage"]:
        yield f"  DAMAGED 损坏  {result['damage']}"


def _progress(as_json: bool) -> Callable[[dict[str, Any]], None]:
    """A line that is written over, on a terminal; standard output is for the answer."""
    live = sys.stderr.isatty() and not as_json

    def told(said: dict[str, Any]) -> None:
        if said.get("alone") and not as_json:
            typer.echo("no agent runs here; into the spool itself 没有程序运行，直接写入", err=True)
        elif live and said.get("of"):
            share = 100 * int(said["done"]) // int(said["of"])
            typer.echo(f"\r{said['name']} {share} % \r", nl=False, err=True)

    return told
