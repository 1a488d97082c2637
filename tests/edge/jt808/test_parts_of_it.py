"""Codes, what was said lately, and settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from fieldlink.edge.jt808.codes import AccessCodes
from fieldlink.edge.jt808.recent import Gathered, Recent
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings, TerminalSettings


def test_the_secret_is_made_once_kept_from_others_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "jt808.key"
    first = AccessCodes.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = AccessCodes.load(path)
    code = first.code("13800138000")
    assert again.code("13800138000") == code
    assert len(code) == 16
    assert code != first.code("13800138001")
    assert code not in path.read_bytes()
    path.chmod(0o644)
    assert AccessCodes.load(path).code("13800138000") == code
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_secret_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "jt808.key"
    path.write_bytes(b"short")
    made = AccessCodes.load(path)
    assert AccessCodes.load(path).code("1") == made.code("1")


def test_a_code_is_known_whatever_fills_its_field() -> None:
    codes = AccessCodes(b"k" * 32)
    code = codes.code("1")
    assert codes.is_code("1", code)
    assert codes.is_code("1", code + b"\0\0")
    for wrong in (b"", code[:-1], code + b"x", codes.code("2"), b"\xff" * 16):
        assert not codes.is_code("1", wrong)


def test_what_is_in_the_spool_is_known_and_what_was_refused_is_new() -> None:
    recent, told = Recent(), list[str | None]()
    assert recent.is_new(b"a", told.append)
    assert not recent.is_new(b"a", told.append)
    assert told == []
    recent.settle(b"a", "full")
    assert told == ["full", "full"]
    assert recent.is_new(b"a", told.append)
    recent.settle(b"a", None)
    assert not recent.is_new(b"a", told.append)
    assert told == ["full", "full", None, None]


def test_memory_forgets_the_oldest_that_is_stored_and_never_what_is_under_way() -> None:
    recent, told = Recent(limit=3), list[str | None]()
    for key in (b"a", b"b", b"c"):
        recent.is_new(key, told.append)
    recent.settle(b"b", None)
    recent.settle(b"c", None)
    for key in (b"d", b"e"):
        assert recent.is_new(key, told.append)
    assert len(recent) == 3
    assert not recent.is_new(b"a", told.append)
    assert recent.is_new(b"b", told.append)


def test_what_is_gathered_is_told_once_with_the_first_error() -> None:
    told = list[str | None]()
    gathered = Gathered(told.append)
    first, second = gathered.one(), gathered.one()
    first("full")
    gathered.close()
    assert told == []
    second("also full")
    assert told == ["full"]
    Gathered(told.append).close()
    assert told == ["full", None]


def test_settings_that_admit_nobody_or_two_by_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="no terminal is listed"):
        Jt808Settings(enabled=True)
    assert Jt808Settings(enabled=True, enrolment=Enrolment.OPEN)
    one, other = TerminalSettings(phone="0138"), TerminalSettings(phone="138")
    with pytest.raises(ValidationError, match="two terminals have the number 138"):
        Jt808Settings(terminal=(one, other))
    with pytest.raises(ValidationError, match="begin with t808-"):
        TerminalSettings(phone="1", name="t808-2")
    with pytest.raises(ValidationError):
        TerminalSettings(phone="+8613800138000")
