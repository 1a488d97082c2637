"""`fieldlink relay user` and `fieldlink relay token`."""

from typing import Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json, shown_time

user = typer.Typer(no_args_is_help=True, help="Who may log in to the page. 账户")
token = typer.Typer(no_args_is_help=True, help="Keys for programs that use the API. 令牌")

UserName = Annotated[str, typer.Argument(help="The account's name.")]
TokenName = Annotated[str, typer.Argument(help="The program's name.")]


@user.command("password")
def password(
    name: UserName,
    config: ConfigFile = None,
    own: Annotated[bool, typer.Option("--ask", help="Ask for one instead of making one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give an account a new password, or make the account; ends its sessions. 设置密码"""
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.web.accounts import set_password

    chosen = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if own else None
    with opened(config) as (_settings, store):
        made = set_password(store, name, chosen, now_us)
    if as_json:
        say_json({"user": name, "password": made})
    elif own:
        say(f"{name} has the new password")
    else:
        say(f"{name} {made}")


@user.command("list")
def list_users(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Who may log in. 账户列表"""
    from fieldlink.relay.beside import opened

    with opened(config) as (_settings, store):
        found = store.users()
    if as_json:
        say_json({"users": [{"name": u.name, "created_us": u.created_us} for u in found]})
        return
    for one in found:
        say(f"{one.name:32} since {shown_time(one.created_us)}")


@user.command("remove")
def remove(name: UserName, config: ConfigFile = None) -> None:
    """Remove an account; its sessions end. 删除账户"""
    from fieldlink.relay.beside import opened
    from fieldlink.relay.web.accounts import remove_user

    with opened(config) as (_settings, store):
        remove_user(store, name)
    say(f"{name} is removed")


@token.command("create")
def create(name: TokenName, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make a token for a program; it is shown only now. 创建令牌"""
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.web.accounts import create_token

    with opened(config) as (_settings, store):
        made = create_token(store, name, now_us)
    if as_json:
        say_json({"name": name, "token": made})
    else:
        say(made)


@token.command("list")
def list_tokens(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every token's name, never the token. 令牌列表"""
    from fieldlink.relay.beside import opened

    with opened(config) as (_settings, store):
        found = store.tokens()
    rows = [{"name": t.name, "created_us": t.created_us, "revoked_us": t.revoked_us} for t in found]
    if as_json:
        say_json({"tokens": rows})
        return
    for one in found:
        state = "in use" if one.revoked_us is None else f"revoked {shown_time(one.revoked_us)}"
        say(f"{one.name:32} since {shown_time(one.created_us)}  {state}")


@token.command("revoke")
def revoke(name: TokenName, config: ConfigFile = None) -> None:
    """Make a program's token void. 吊销令牌"""
    from fieldlink.relay.beside import now_us, opened

    with opened(config) as (_settings, store):
        store.revoke_token(name, now_us())
    say(f"the token of {name} is revoked")
