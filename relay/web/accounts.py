"""Users of the page and tokens of programs: what `fieldlink relay user|token` does."""

from collections.abc import Callable

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import AccessError, CodecError
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.web.passwords import (
    MAX_PASSWORD_CHARS,
    MIN_PASSWORD_CHARS,
    hash_password,
    hash_token,
    new_password,
    new_token,
)

__all__ = ["DUTY", "create_token", "ensure_duty_account", "remove_user", "set_password"]

DUTY = "duty"
"""The account of whoever is on duty (值班), made on first run."""

Clock = Callable[[], int]


def ensure_duty_account(catalogue: Catalogue, clock: Clock) -> str | None:
    """Make the account "duty" if there is no account at all.

    Returns its random password, to be shown once; None when somebody can log in already.
    """
    if catalogue.users():
        return None
    return set_password(catalogue, DUTY, None, clock)


def set_password(catalogue: Catalogue, name: str, password: str | None, clock: Clock) -> str:
    """Give the account `name` a password, a random one if None; makes the account if need be.

    Every session of that account ends. Returns the password.

    Raises:
        AccessError: the name or the password cannot be used.
    """
    _check_account(name)
    if password is not None and not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise AccessError(
            f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters; "
            "give a longer one, or none for a random one"
        )
    chosen = password if password is not None else new_password()
    catalogue.put_user(name, hash_password(chosen), clock())
    return chosen


def remove_user(catalogue: Catalogue, name: str) -> None:
    """Remove the account `name`; its sessions end.

    Raises:
        AccessError: there is none, or it is the last one.
    """
    users = catalogue.users()
    if [user.name for user in users] == [name]:
        raise AccessError(f"{name} is the only account; make another before removing it")
    catalogue.remove_user(name)


def create_token(catalogue: Catalogue, name: str, clock: Clock) -> str:
    """Make a bearer token for a program called `name`. Returns it; it cannot be shown again.

    Raises:
        AccessError: the name cannot be used or has a token in use.
    """
    _check_account(name)
    token = new_token()
    catalogue.add_token(hash_token(token), name, clock())
    return token


def _check_account(name: str) -> None:
    try:
        check_name("account", name)
    except CodecError as error:
        raise AccessError(error.detail) from error
