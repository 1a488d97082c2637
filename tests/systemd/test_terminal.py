"""What reaches a terminal, and how errors end a command."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import ConfigError, FieldlinkError, LinkError, SpoolError
from fieldlink.systemd.terminal import (
    exit_code,
    fault_lines,
    faults_in,
    printable,
    reader_is_gone,
)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u200bkit", "\\u200bkit"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("海淀区 kit-1", "海淀区 kit-1"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped_and_chinese_is_not(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@given(st.text())
def test_whatever_a_peer_writes_prints_on_one_line(text: str) -> None:
    shown = printable(text, max_chars=50)
    assert shown.isprintable()
    assert len(shown) <= 51 * len("\\U0010ffff")


def test_long_text_is_cut_and_says_so() -> None:
    assert printable("a" * 5000, max_chars=10) == "a" * 10 + "…"


def test_each_kind_of_error_has_its_exit_status() -> None:
    assert exit_code(ConfigError("edge.toml: a = 1: no such setting")) == 2
    assert exit_code(LinkError("the centre does not answer")) == 3
    assert exit_code(SpoolError("the disk is full")) == 1


def test_a_group_of_known_errors_is_taken_apart() -> None:
    weather, full = LinkError("down"), SpoolError("full")
    group = ExceptionGroup("tasks", [weather, ExceptionGroup("inner", [full])])
    assert faults_in(group) == [weather, full]


def test_a_bug_in_a_group_is_not_hidden_behind_the_known_errors() -> None:
    assert faults_in(ExceptionGroup("tasks", [LinkError("down"), ZeroDivisionError()])) == []


def test_every_fault_of_a_configuration_has_its_line() -> None:
    fault = ConfigError("edge.toml: a: missing; it has to be set", "edge.toml: b = \x1b: wrong")
    assert fault_lines(fault) == [
        "edge.toml: a: missing; it has to be set",
        "edge.toml: b = \\x1b: wrong",
    ]
    assert fault_lines(FieldlinkError("one")) == ["one"]


def test_a_pipe_knows_whether_its_reader_is_gone() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        assert not reader_is_gone(stream)
        os.close(read)
        assert reader_is_gone(stream)
    assert reader_is_gone(stream)
