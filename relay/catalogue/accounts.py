"""Users of the page and tokens of programs. Only hashes are stored."""

import sqlalchemy as sa

from fieldlink.codecs.fault import AccessError
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import Token, User
from fieldlink.relay.catalogue.tables import TOKENS, USERS


class Accounts(Part):
    """The part of the catalogue that knows users and tokens."""

    def users(self) -> list[User]:
        """Everybody who may log in, by name."""
        with self._read() as connection:
            rows = connection.execute(sa.select(USERS).order_by(USERS.c.name)).all()
        return [User(row.name, row.password_hash, row.created_us) for row in rows]

    def user(self, name: str) -> User | None:
        """The user of that name; None when there is none."""
        return next((user for user in self.users() if user.name == name), None)

    def put_user(self, name: str, password_hash: str, now_us: int) -> None:
        """Add a user, or give one another password."""
        with self._write() as connection:
            update = sa.update(USERS).where(USERS.c.name == name)
            if not connection.execute(update.values(password_hash=password_hash)).rowcount:
                values = {"name": name, "password_hash": password_hash, "created_us": now_us}
                connection.execute(sa.insert(USERS).values(**values))

    def remove_user(self, name: str) -> None:
        """Remove a user.

        Raises:
            AccessError: there is none of that name.
        """
        with self._write() as connection:
            if not connection.execute(sa.delete(USERS).where(USERS.c.name == name)).rowcount:
                raise AccessError(f"there is no user {name!r}; `fieldlink relay user list` tells")

    def tokens(self) -> list[Token]:
        """Every token, revoked ones too, the oldest first."""
        order = (TOKENS.c.created_us, TOKENS.c.name)
        with self._read() as connection:
            rows = connection.execute(sa.select(TOKENS).order_by(*order)).all()
        return [Token(row.token_hash, row.name, row.created_us, row.revoked_us) for row in rows]

    def token(self, token_hash: bytes) -> Token | None:
        """The token with that hash, if it is not revoked."""
        t = TOKENS.c
        found = sa.select(TOKENS).where(t.token_hash == token_hash, t.revoked_us.is_(None))
        with self._read() as connection:
            row = connection.execute(found).first()
        return None if row is None else Token(row.token_hash, row.name, row.created_us, None)

    def add_token(self, token_hash: bytes, name: str, now_us: int) -> None:
        """Add a token.

        Raises:
            AccessError: a token of that name is in use.
        """
        t = TOKENS.c
        with self._write() as connection:
            taken = sa.select(t.name).where(t.name == name, t.revoked_us.is_(None))
            if connection.scalar(taken) is not None:
                raise AccessError(f"there is a token {name!r} already; revoke it or name another")
            values = {"token_hash": token_hash, "name": name, "created_us": now_us}
            connection.execute(sa.insert(TOKENS).values(**values))

    def revoke_token(self, name: str, now_us: int) -> None:
        """Revoke the token of that name.

        Raises:
            AccessError: there is none of that name in use.
        """
        t = TOKENS.c
        update = sa.update(TOKENS).where(t.name == name, t.revoked_us.is_(None))
        with self._write() as connection:
            if not connection.execute(update.values(revoked_us=now_us)).rowcount:
                raise AccessError(
                    f"there is no token {name!r} in use; `fieldlink relay token list` tells"
                )
