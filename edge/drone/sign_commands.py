"""`fieldlink drone sign`: the key of signed links."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

if TYPE_CHECKING:
    from fieldlink.edge.config import EdgeSettings

__all__ = ["app"]

_FILE = "mavlink-signing.key"
app = typer.Typer(
    no_args_is_help=True,
    help="""The key of signed MAVLink, one for a kit, its aircraft and ground stations. 签名密钥

    fieldlink drone sign new         makes a passphrase, readable by the kit alone

    Type the same passphrase in Mission Planner (Setup, Advanced, Mavlink Signing), or in MAVProxy:
    signing setup PASSPHRASE. Then require it where strangers may speak:

    drone.signing_key_file names the file that `new` printed, signing = "require" is the endpoint's;

    and start the agent again. 在地面站输入同一口令，再在配置中要求签名，然后重启程序。""",
)


@app.command("new")
def new(
    raw: Annotated[
        bool, typer.Option("--hex", help="64 hexadecimal digits instead of a passphrase.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the key that is there.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is printed this once. 新建"""
    import secrets

    from fieldlink.drone.console.keys import fingerprint, new_passphrase, write_key
    from fieldlink.drone.router.router import read_key

    settings, path = _found(config)
    text = secrets.token_hex(32) if raw else new_passphrase()
    write_key(path, text, replace=force)
    mark = fingerprint(read_key(path))
    if as_json:
        say_json({"file": str(path), "key": text, "fingerprint": mark})
        return
    say(f"{'key 密钥' if raw else 'passphrase 口令'}: {text}")
    say(f"fingerprint 指纹: {mark}; file 文件: {path} (0600)")
    if settings.drone.signing_key_file is None:
        say(f'set 请设置: [drone] signing_key_file = "{path}"')
    say("start the agent again 请重启程序: systemctl restart fieldlink-edge")


@app.command("show")
def show(
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the key itself.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Which key there is, by its fingerprint, and which links require it. 查看"""
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.drone.console.keys import NO_KEY, fingerprint, others_can_read
    from fieldlink.drone.router.router import read_key

    settings, path = _found(config)
    if settings.drone.signing_key_file is None and not path.exists():
        raise ConfigError(NO_KEY)
    key = read_key(path)
    required = [one.name for one in settings.drone.endpoint if one.signing == "require"]
    found: dict[str, Any] = {
        "file": str(path),
        "fingerprint": fingerprint(key),
        "in_use": settings.drone.signing_key_file == path,
        "required_by": required,
        "others_can_read": others_can_read(path),
    }
    if reveal:
        found["key"] = path.read_text(encoding="utf-8").strip()
    if as_json:
        say_json(found)
        return
    say(f"fingerprint 指纹: {found['fingerprint']}; file 文件: {path}")
    say(f"required by 要求签名: {', '.join(required) or 'no endpoint 无'}")
    if not found["in_use"]:
        say(f'not in use 未启用; set: [drone] signing_key_file = "{path}"')
    if found["others_can_read"]:
        say(f"others can read it 其他用户可读; do 请执行: chmod 600 {path}")
    if reveal:
        say(f"key 密钥: {found['key']}")


@app.command("forget")
def forget(
    force: Annotated[
        bool, typer.Option("--force", help="Although links require it: they will not work.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove the key from this kit. Aircraft and ground stations keep theirs. 删除"""
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.drone.console.keys import forget_key

    settings, path = _found(config)
    if settings.drone.signing_key_file is not None and not force:
        raise ConfigError(
            "drone.signing_key_file names this key, and without it no aircraft is heard; take that"
            ' and signing = "require" out of the settings first, or --force'
        )
    forget_key(path)
    if as_json:
        say_json({"file": str(path), "forgotten": True})
    else:
        say(f"{path} is removed 已删除; the running agent uses it until it is started again")


def _found(config: Path | None) -> "tuple[EdgeSettings, Path]":
    from fieldlink.edge.config import load_edge_settings

    settings = load_edge_settings(config)
    return settings, settings.drone.signing_key_file or settings.state_dir / _FILE
