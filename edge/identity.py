"""Who this kit is: its name, its key and certificate, the CA it trusts, where its centre is.

The files live in <state_dir>/identity (0700, files 0600). The folder is replaced as a whole:
a new one is written beside it, synced, and renamed; `identity.json` is its last file and marks
it complete, so that power may fail at any point.
"""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.settings import Settings
from fieldlink.systemd.durable import make_folder, sync_folder, write_durably
from fieldlink.systemd.mqtt import TlsFiles

__all__ = ["Identity", "save_identity"]

_KEY, _CERTIFICATE, _CA, _RECORD = "kit.key", "kit.crt", "ca.crt", "identity.json"
_MAX_RECORD_BYTES = 16 * 1024


class _Record(Settings):
    """identity.json."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    version: int = Field(ge=1, le=1)
    kit: str
    broker_host: str = Field(min_length=1, max_length=253)
    broker_port: int = Field(ge=1, le=65535)
    centre_url: str = Field(pattern=r"^https://", max_length=300)
    centre: str = Field(min_length=1, max_length=64)


@dataclass(frozen=True)
class Identity:
    """A kit that has joined: where its broker and centre are, and its files in `folder`."""

    kit: str
    broker_host: str
    broker_port: int
    centre_url: str
    centre: str
    folder: Path

    @property
    def tls(self) -> TlsFiles:
        """The files for a connection to the centre's broker."""
        folder = self.folder
        return TlsFiles(folder / _CA, folder / _CERTIFICATE, folder / _KEY)

    def client_id(self, bearer: str) -> str:
        """An MQTT client id for one connection.

        It is random: a broker ends the older of two connections with one id, whoever owns it,
        so that nobody may guess another kit's.
        """
        return f"{self.kit}-{bearer}-{secrets.token_hex(10)}"

    def expires_us(self) -> int:
        """When the certificate ends, UTC microseconds.

        Raises:
            ConfigError: it cannot be read.
        """
        from cryptography import x509

        path = self.folder / _CERTIFICATE
        try:
            end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: {error}; join again with a new code") from error
        return int(end.timestamp()) * 1_000_000

    @staticmethod
    def load(folder: Path) -> "Identity":
        """The identity in `folder` (<state_dir>/identity).

        Raises:
            ConfigError: this kit has not joined, or a file is damaged; says what to do.
        """
        _finish_replacement(folder)
        path = folder / _RECORD
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_RECORD_BYTES)
            record = _Record.model_validate_json(text)
            check_name("kit", record.kit)
        except FileNotFoundError as error:
            raise ConfigError(
                "this kit has not joined a centre: run `fieldlink edge join CODE` with the code "
                "that `fieldlink relay admit KIT` prints"
            ) from error
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; run as the kit's own user") from error
        except (ValidationError, CodecError) as error:
            raise ConfigError(f"{path}: damaged; join again with a new code") from error
        lacking = [name for name in (_KEY, _CERTIFICATE, _CA) if not (folder / name).is_file()]
        if lacking:
            raise ConfigError(f"{folder}: {', '.join(lacking)} missing; join again with a new code")
        fields = record.model_dump(exclude={"version"})
        return Identity(**fields, folder=folder)


def save_identity(identity: Identity, *, key: bytes, certificate: bytes, ca: bytes) -> None:
    """Put `identity` and its PEM files at `identity.folder`, whole or not at all, durably.

    Raises:
        OSError: the disk is full, read-only or broken.
    """
    folder = identity.folder
    new = _new(folder)
    make_folder(folder.parent)
    if new.exists():  # left by a power cut before it was complete
        shutil.rmtree(new)
    make_folder(new)
    files = {_KEY: key, _CERTIFICATE: certificate, _CA: ca}
    for name, data in files.items():
        write_durably(new / name, data)
    record = _Record(
        version=1,
        kit=identity.kit,
        broker_host=identity.broker_host,
        broker_port=identity.broker_port,
        centre_url=identity.centre_url,
        centre=identity.centre,
    )
    write_durably(new / _RECORD, record.model_dump_json(indent=2).encode() + b"\n")
    _hand_over(new, folder.parent)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old")
        folder.rename(old)
        sync_folder(folder.parent)
        _finish_replacement(folder)
        shutil.rmtree(old)  # the old key must not stay behind
    else:
        _finish_replacement(folder)


def _hand_over(new: Path, state_dir: Path) -> None:
    """Root joins for the service: the files go to the owner of its state folder."""
    if os.geteuid() == 0:
        owner = state_dir.stat()
        for path in (*new.iterdir(), new):
            os.chown(path, owner.st_uid, owner.st_gid)
        sync_folder(new)


def _new(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")


def _finish_replacement(folder: Path) -> None:
    new = _new(folder)
    if not folder.exists() and (new / _RECORD).is_file():
        new.rename(folder)
        sync_folder(folder.parent)
