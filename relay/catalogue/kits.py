"""Kits: who is admitted, who has joined, who is revoked, and what was last heard of each."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import AccessError
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import Kit, KitNews
from fieldlink.relay.catalogue.tables import ADMISSIONS, KITS, REVOKED_CERTIFICATES

_ADMISSION_FIELDS = ("admitted_us", "expires_us", "joined_us", "revoked_us", "cert_serial")
_NEWS_FIELDS = (
    "last_heard_us",
    "software",
    "bearer",
    "devices",
    "report",
    "report_us",
    "clock_offset_us",
    "plan",
    "plan_us",
    "heard_on",
)
_MOST_BEARERS = 16


class Kits(Part):
    """The part of the catalogue that knows kits."""

    def kits(self) -> list[Kit]:
        """Every kit that was ever admitted or heard, by name."""
        with self._read() as connection:
            admissions = connection.execute(sa.select(ADMISSIONS)).mappings().all()
            heard = connection.execute(sa.select(KITS)).mappings().all()
        rows: dict[str, dict[str, Any]] = {}
        for fields, found in ((_ADMISSION_FIELDS, admissions), (_NEWS_FIELDS, heard)):
            for row in found:
                values = {name: row[name] for name in fields}
                rows.setdefault(row["kit"], {}).update(values)
        return [Kit(kit=kit, **rows[kit]) for kit in sorted(rows)]

    def kit(self, kit: str) -> Kit | None:
        """The kit of that name; None when it was never admitted nor heard."""
        return next((found for found in self.kits() if found.kit == kit), None)

    def active_kits(self) -> list[str]:
        """The kits that have joined and are not revoked, by name: the broker lets them in."""
        a = ADMISSIONS.c
        active = sa.select(a.kit).where(a.joined_us.is_not(None), a.revoked_us.is_(None))
        with self._read() as connection:
            return list(connection.scalars(active.order_by(a.kit)))

    def admit(self, kit: str, secret_hash: bytes, expires_us: int, now_us: int) -> None:
        """Admit `kit`: whoever brings the secret before `expires_us` joins in its name.

        A kit that has joined stays so until it joins anew; one that was revoked is out until
        then.

        Raises:
            CodecError: that cannot be a kit's name.
        """
        values = {
            "admitted_us": now_us,
            "secret_hash": secret_hash,
            "expires_us": expires_us,
            "revoked_us": None,
        }
        a = ADMISSIONS.c
        joined = sa.case((a.revoked_us.is_not(None), None), else_=a.joined_us)
        with self._write() as connection:
            check_name("kit", kit)
            update = sa.update(ADMISSIONS).where(a.kit == kit).values(**values, joined_us=joined)
            if not connection.execute(update).rowcount:
                connection.execute(sa.insert(ADMISSIONS).values(kit=kit, **values))

    def take_admission(self, secret_hash: bytes, now_us: int, cert_serial: str) -> str | None:
        """Spend the one-time secret: the kit it was for, whose certificate is now `cert_serial`.

        None when there is no such secret or it has expired; a certificate that the kit had
        before is revoked. Of two takers at once only one gets it.
        """
        a = ADMISSIONS.c
        with self._write() as connection:
            good = (a.secret_hash == secret_hash, a.expires_us > now_us, a.revoked_us.is_(None))
            row = connection.execute(sa.select(a.kit, a.cert_serial).where(*good)).first()
            if row is None:
                return None
            taken = sa.update(ADMISSIONS).where(a.kit == row.kit, a.secret_hash == secret_hash)
            values = {"secret_hash": None, "joined_us": now_us, "cert_serial": cert_serial}
            if not connection.execute(taken.values(**values)).rowcount:
                return None
            _revoke_certificate(connection, row.kit, row.cert_serial, now_us)
            kit: str = row.kit
            return kit

    def revoke(self, kit: str, now_us: int) -> None:
        """End `kit`'s admission and revoke its certificate.

        Raises:
            AccessError: it is not admitted.
        """
        a = ADMISSIONS.c
        with self._write() as connection:
            mine = (a.kit == kit, a.revoked_us.is_(None))
            row = connection.execute(sa.select(a.cert_serial).where(*mine)).first()
            if row is None:
                raise AccessError(
                    f"the kit {kit!r} is not admitted; `fieldlink relay kits` shows who is"
                )
            values = {"revoked_us": now_us, "secret_hash": None, "expires_us": None}
            connection.execute(sa.update(ADMISSIONS).where(*mine).values(**values))
            _revoke_certificate(connection, kit, row.cert_serial, now_us)

    def revoked_serials(self) -> list[str]:
        """The serial numbers of all revoked certificates, as they were given to join."""
        with self._read() as connection:
            return list(connection.scalars(sa.select(REVOKED_CERTIFICATES.c.serial)))

    def hear_kits(self, news: Sequence[KitNews]) -> None:
        """Record what kits were heard saying, in one transaction."""
        if not news:
            return
        with self._write() as connection:
            for one in news:
                _hear(connection, one)


def _hear(connection: Connection, news: KitNews) -> None:
    said: dict[str, Any] = {
        "software": news.software,
        "bearer": news.bearer,
        "devices": None if news.devices is None else dict(news.devices),
        "report": None if news.report is None else dict(news.report),
        "report_us": None if news.report is None else news.heard_us,
        "clock_offset_us": news.clock_offset_us,
        "plan": None if news.plan is None else dict(news.plan),
        "plan_us": None if news.plan is None else news.heard_us,
        "heard_on": _heard_on(connection, news),
    }
    values = {name: value for name, value in said.items() if value is not None}
    values["last_heard_us"] = news.heard_us
    update = sa.update(KITS).where(KITS.c.kit == news.kit).values(**values)
    if not connection.execute(update).rowcount:
        first = {"first_heard_us": news.heard_us, "devices": {}, **values}
        connection.execute(sa.insert(KITS).values(kit=news.kit, **first))


def _heard_on(connection: Connection, news: KitNews) -> dict[str, int] | None:
    """The bearers on which a kit was heard, the newest 16: it may call them what it likes."""
    if not news.heard_on:
        return None
    known = connection.scalar(sa.select(KITS.c.heard_on).where(KITS.c.kit == news.kit)) or {}
    newest = sorted({**known, **news.heard_on}.items(), key=lambda item: -item[1])
    return dict(newest[:_MOST_BEARERS])


def _revoke_certificate(connection: Connection, kit: str, serial: str | None, at_us: int) -> None:
    r = REVOKED_CERTIFICATES
    if serial is None or connection.scalar(sa.select(r.c.serial).where(r.c.serial == serial)):
        return
    connection.execute(sa.insert(r).values(serial=serial, kit=kit, revoked_us=at_us))
