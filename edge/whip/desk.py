"""What people do with the tokens: the same beside a running agent and without one."""

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.asked import answered, text_of
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.device_api.desk import kit_addresses
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.settings import WhipSettings
from fieldlink.edge.whip.tokens import Tokens

__all__ = ["WhipDesk", "ask_whip", "publish_url"]

_Answer = dict[str, Any]


def publish_url(settings: WhipSettings, name: str, host: str = "", *, plain: bool) -> str:
    """Where `name` is published to, without its token."""
    usual = None if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  # compared
    told = host or settings.address or usual or next(iter(kit_addresses()), "127.0.0.1")
    shown = f"[{told}]" if ":" in told else told
    scheme, port = ("http", settings.port) if plain else ("https", settings.tls_port)
    return f"{scheme}://{shown}:{port}/whip/{quote(name)}"


class WhipDesk:
    """Adds, removes and lists tokens. Each method raises ConfigError or OSError."""

    def __init__(
        self, settings: WhipSettings, tokens: Tokens, state_dir: Path, hub: Hub | None = None
    ) -> None:
        self._settings, self._tokens, self._hub = settings, tokens, hub
        self._ca = state_dir / "device-api" / "ca.crt"

    @property
    def commands(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[_Answer]]]:
        """For the control socket: the same names as the methods, with "whip-" before them."""
        found = {"add": self.add, "remove": self.remove, "list": self.list}
        return {f"whip-{name}": partial(answered, method) for name, method in found.items()}

    def add(self, asked: Mapping[str, Any]) -> _Answer:
        """A new token for `name`, and where to publish with it."""
        name, settings = text_of(asked, "name"), self._settings
        known = any(one.name == name for one in self._tokens.list())
        token = self._tokens.add(name)
        host = str(asked.get("host") or "")
        plain = settings.plain or not settings.tls
        url = publish_url(settings, name, host, plain=plain)
        said = f"{name} has a new token" if known else f"{name} may publish"
        made = {"name": name, "url": url, "token": token, "uri": f"{url}?token={token}"}
        if settings.tls:
            made["tls_url"] = publish_url(settings, name, host, plain=False)
            made["ca"] = str(self._ca)
        return {"ok": True, "said": said, "publisher": made}

    def remove(self, asked: Mapping[str, Any]) -> _Answer:
        """`name` may publish no more; if it does, it is cut off."""
        name = text_of(asked, "name")
        self._tokens.remove(name)
        return {"ok": True, "said": f"{name} may publish no more"}

    def list(self, _asked: Mapping[str, Any]) -> _Answer:
        """Everybody who may publish."""
        found = [
            {
                "name": one.name,
                "added_us": one.added_us,
                **({"now": self._hub.mount(one.name).report()} if self._hub else {}),
            }
            for one in self._tokens.list()
        ]
        return {"ok": True, "enabled": self._settings.enabled, "publishers": found}


def ask_whip(settings: EdgeSettings, what: str, **fields: str) -> _Answer:
    """What the desk answers to `what` (add, remove, list): the running agent's, else one of ours.

    Raises:
        ConfigError: it cannot be done, or this user may not.
    """
    answer = ask_agent(settings.control_path, f"whip-{what}", fields)
    # WHIP that is off, or an agent of before, has no such command.
    if answer is None or "there is no such command" in str(answer.get("said")):
        return _do(settings, what, fields)
    if not answer.get("ok"):
        raise ConfigError(str(answer.get("said")))
    return answer


def _do(settings: EdgeSettings, what: str, fields: Mapping[str, str]) -> _Answer:
    tokens = Tokens(settings.whip_dir)
    desk = WhipDesk(settings.whip, tokens, settings.state_dir)
    try:
        found: _Answer = getattr(desk, what)(fields)
        if what != "list" and os.geteuid() == 0:
            owner = settings.state_dir.stat()
            for path in (tokens.folder, *tokens.folder.iterdir()):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or tokens.folder}: {error.strerror}; run as the kit's own user or as "
            "root"
        ) from error
    return found
