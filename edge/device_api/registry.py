"""The devices that may speak to the kit over MQTT: <state_dir>/device-api/devices.json.

A password is shown once, when it is made; what stays is its hash in two forms, one for the kit's
own broker (bcrypt) and one for mosquitto (PBKDF2). The file is 0600, replaced as a whole, and read
again when somebody else has changed it.
"""

import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import bcrypt
from pydantic import ConfigDict, Field, ValidationError

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.dji import is_serial
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.settings import Settings
from fieldlink.codecs.telemetry import KIT_DEVICE
from fieldlink.systemd.durable import write_durably
from fieldlink.systemd.shared_file import Seen, locked, seen

__all__ = ["MAX_DEVICES", "Device", "Registry", "hash_bcrypt", "hash_mosquitto"]

MAX_DEVICES = 1_000
UNNAMED = ("t808-", "cot-", "mav-")
"""How the names begin of terminals and aircraft without one of their own, and of TAK users."""
_MAX_FILE_BYTES = 2_000_000
# Passwords are 128 random bits: nobody guesses them, so that a cheap hash keeps them as well as a
# dear one, and a kit can let two hundred devices in at once.
_BCRYPT_COST = 4
_MAX_DJI_NAME = 24  # -rc or a camera's index is put behind it
_PBKDF2_ROUNDS = 101  # mosquitto's own number


class Device(Settings):
    """A device that was registered."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    kind: str
    bcrypt: str = Field(pattern=r"^\$2b\$[0-9]{2}\$[./A-Za-z0-9]{53}$")
    mosquitto: str = Field(pattern=r"^\$7\$[0-9]+\$[+/=A-Za-z0-9]+\$[+/=A-Za-z0-9]+$")
    added_us: int = Field(ge=0)
    dji: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{4,32}$")


class _File(Settings):
    model_config = ConfigDict(extra="ignore", frozen=True)
    version: int = Field(ge=1, le=1)
    devices: tuple[Device, ...] = Field(max_length=MAX_DEVICES)


class Registry:
    """The registered devices in `folder`; call `refresh` first. Used by one thread, and by several
    processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "devices.json"
        self._listeners: list[Callable[[], None]] = []
        self._seen: Seen = None
        self._devices: dict[str, Device] = {}

    @property
    def devices(self) -> Mapping[str, Device]:
        """Every device by its name."""
        return self._devices

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever the devices are others than before."""
        self._listeners.append(changed)

    def refresh(self) -> None:
        """Read the file again if somebody else has changed it.

        Raises:
            ConfigError: it is damaged.
        """
        now = seen(self.path)
        if now != self._seen:
            self._take(self._read(), now)

    def add(self, name: str, kind: str, dji: str | None = None) -> str:
        """Register `name`, or give it a new password; the password, which is kept nowhere. `dji` is
        the serial number of a DJI remote controller or dock, which speaks topics of its own.

        Raises:
            ConfigError: such a name, kind or serial number cannot be, another device has it, or
                there are too many devices.
            OSError: the disk is full, read-only or broken.
        """
        try:
            check_name("device", name)
            check_name("kind of device", kind)
        except CodecError as error:
            raise ConfigError(error.detail) from error
        if name == KIT_DEVICE or name.startswith(UNNAMED):
            # Whoever was called so would speak for the kit's own receiver, or for a terminal.
            raise ConfigError(
                f"{name}: such names are those of the kit itself, of JT/T 808 terminals, "
                "aircraft and TAK users; choose another name 该名称保留"
            )
        _check_dji(name, dji)
        password = secrets.token_urlsafe(16)
        made = Device(
            name=name,
            kind=kind,
            bcrypt=hash_bcrypt(password),
            mosquitto=hash_mosquitto(password),
            added_us=time.time_ns() // 1000,
            dji=dji,
        )
        with self._editing() as devices:
            if name not in devices and len(devices) >= MAX_DEVICES:
                raise ConfigError(f"there are {MAX_DEVICES} devices; remove one first")
            for other in devices.values():
                if dji is not None and other.dji == dji and other.name != name:
                    raise ConfigError(
                        f"{other.name} is {dji} already; remove it first 该序列号已登记"
                    )
            devices[name] = made
        return password

    def remove(self, name: str) -> None:
        """Put `name` out.

        Raises:
            ConfigError: there is no such device.
            OSError: the disk is full, read-only or broken.
        """
        with self._editing() as devices:
            if devices.pop(name, None) is None:
                raise ConfigError(
                    f"there is no device {name[:40]!r}; see fieldlink edge device list"
                )

    @contextlib.contextmanager
    def _editing(self) -> Iterator[dict[str, Device]]:
        """The devices to change; written when the block ends well. One process at a time."""
        with locked(self.folder):
            devices = self._read()
            yield devices
            made = _File(version=1, devices=tuple(sorted(devices.values(), key=lambda d: d.name)))
            write_durably(self.path, made.model_dump_json(indent=1).encode() + b"\n")
            self._take(devices, seen(self.path))

    def _read(self) -> dict[str, Device]:
        try:
            with self.path.open("rb") as file:
                found = _File.model_validate_json(file.read(_MAX_FILE_BYTES))
            for device in found.devices:
                check_name("device", device.name)
                check_name("kind of device", device.kind)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f"{self.path}: {error.strerror}; run as the kit's own user or as root"
            ) from error
        except (ValidationError, CodecError) as error:
            raise ConfigError(
                f"{self.path}: damaged; remove it and register the devices again"
            ) from error
        return {device.name: device for device in found.devices}

    def _take(self, devices: dict[str, Device], stamp: Seen) -> None:
        changed, self._devices, self._seen = devices != self._devices, devices, stamp
        for tell in self._listeners if changed else ():
            tell()


def _check_dji(name: str, dji: str | None) -> None:
    if dji is None:
        return
    if not is_serial(dji):
        raise ConfigError(
            f"{dji[:40]!r} is no serial number; it is under About in DJI Pilot 2, letters and "
            "digits only 序列号只含字母和数字"
        )
    if len(name) > _MAX_DJI_NAME:
        raise ConfigError(
            f"the name of a DJI aircraft has at most {_MAX_DJI_NAME} characters 名称过长"
        )


def hash_bcrypt(password: str) -> str:
    """`password` as nats-server wants it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode()


def hash_mosquitto(password: str) -> str:
    """`password` as mosquitto_passwd writes it: $7$, PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    parts = (base64.b64encode(part).decode() for part in (salt, made))
    return f"$7${_PBKDF2_ROUNDS}${'$'.join(parts)}"
