"""TOML text to a settings model; faults become lines of file, key, value and rule."""

import re
import tomllib
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from fieldlink.codecs.fault import ConfigError

from .units import format_like

__all__ = ["Settings", "describe_settings", "load_settings"]


class Settings(BaseModel):
    """The base of every settings model: unknown keys are faults, values never change.

    Defaults are Python values (seconds, bytes), files carry units.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


_LOGIN = re.compile(r"://[^/\s]*@")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_QUERY = re.compile(r"([?&][^=&\s]{1,40}=)[^&\s]+")
_SECRET_WORDS = ("pass", "pwd", "secret", "token", "key", "auth", "login", "user", "credential")
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}
_M = TypeVar("_M", bound=Settings)


def load_settings(model: type[_M], text: str, source: str) -> _M:
    """`text` (TOML) as a `model`; `source` names the file in messages.

    Raises:
        ConfigError: one line for each fault, "file: key = value: rule".
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers of 5,000 digits
        raise ConfigError(f"{source}: not TOML: {error}") from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [_line(source, fault, raw) for fault in found if not _follows(fault, found)]
        raise ConfigError(*faults) from error


def _follows(fault: Any, found: list[Any]) -> bool:
    """Whether `fault` says only that a list is short of the items that others find wrong."""
    at = fault["loc"]
    inside = any(len(each["loc"]) > len(at) and each["loc"][: len(at)] == at for each in found)
    return fault["type"] == "too_short" and inside


def _line(source: str, fault: Any, raw: Any) -> str:
    key = _masked(_key(fault["loc"]))
    kind, value = fault["type"], fault["input"]
    if kind in _BOUNDS:  # checked after "10s" became a number: show what was written
        word, bound = _BOUNDS[kind]
        value = _written(raw, fault["loc"], value)
        limit = format_like(value, fault["ctx"][bound])
        return f"{source}: {key} = {_shown(key, value)}: write {word} {limit}"
    if kind == "extra_forbidden":
        return f"{source}: {key} = {_shown(key, value)}: no such setting; check its spelling"
    if kind == "missing":
        return f"{source}: {key}: missing; it has to be set"
    rule = str(fault["msg"]).removeprefix("Value error, ")
    rule = rule[:1].lower() + rule[1:]
    if isinstance(value, dict | list):  # a whole table: long, and secrets may be in it
        return f"{source}: {key}: {rule}" if key else f"{source}: {rule}"
    return f"{source}: {key} = {_shown(key, value)}: {rule}"


def _written(raw: Any, location: tuple[str | int, ...], value: Any) -> Any:
    """What the file has at `location`; `value` where that cannot be followed."""
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return value
    return raw


def _key(location: tuple[str | int, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _shown(key: str, value: Any) -> str:
    if any(word in key.lower() for word in _SECRET_WORDS):
        return "(hidden)"
    if isinstance(value, dict | list):
        return "{...}" if isinstance(value, dict) else "[...]"
    return repr(_masked(value) if isinstance(value, str) else value)[:80]


def _masked(text: str) -> str:
    """`text` of a faulty file without what may be a login or a token, however it is misspelled."""
    head, at, tail = text.rpartition("@")
    if at:
        scheme = _SCHEME.match(head)
        text = f"{scheme[0] if scheme else ''}********@{tail}"
    return _QUERY.sub(r"\1***", text)


def _without_login(text: str) -> str:
    # Cameras are often given as rtsp://user:password@host.
    return _LOGIN.sub("://********@", text)


def describe_settings(settings: Settings) -> dict[str, Any]:
    """The effective values as a file would carry them, with secrets and logins masked."""

    def plain(value: Any) -> Any:
        if isinstance(value, SecretStr):
            return "********" if value.get_secret_value() else ""
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return _without_login(str(value))

    dumped: dict[str, Any] = plain(settings.model_dump(mode="python"))
    return dumped
