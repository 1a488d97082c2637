"""Supervised children: restarted, probed, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.child import Child


async def _until(condition: "asyncio.Event", timeout_s: float = 10) -> None:
    await asyncio.wait_for(condition.wait(), timeout_s)


async def _seen(lines: list[str], times: int) -> None:
    while lines.count("hello") < times:  # the lines come from a callback
        await asyncio.sleep(0.01)


def test_a_child_that_is_killed_starts_again_and_its_lines_are_passed_on() -> None:
    lines: list[str] = []

    async def scenario() -> int:
        beats = asyncio.Event()
        child = Child(
            "sleeper",
            lambda: [
                sys.executable,
                "-c",
                "print('hello', flush=True); import time; time.sleep(60)",
            ],
            on_line=lines.append,
            backoff_s=0.01,
        )
        task = asyncio.create_task(child.run(beats.set))
        await _until(beats)
        await _seen(lines, 1)
        child.signal(signal.SIGKILL)
        await _seen(lines, 2)
        pid = child.pid
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pid is not None
        assert not psutil.pid_exists(pid)
        return child.starts

    assert asyncio.run(scenario()) == 2
    assert any("ended with status -9" in line for line in lines)


def test_no_beat_before_the_probe_says_ready() -> None:
    async def scenario() -> None:
        beats = asyncio.Event()
        asked = 0

        async def ready() -> bool:
            nonlocal asked
            asked += 1
            return asked > 3

        child = Child("sleeper", lambda: ["sleep", "60"], ready=ready)
        task = asyncio.create_task(child.run(beats.set))
        await _until(beats)
        assert asked == 4
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(scenario())


def test_a_missing_program_is_a_configuration_error() -> None:
    async def scenario() -> None:
        await Child("x", lambda: ["no-such-program-anywhere"]).run(lambda: None)

    with pytest.raises(ConfigError, match="no program no-such-program-anywhere"):
        asyncio.run(scenario())


def test_the_child_dies_with_a_parent_that_is_killed() -> None:
    program = """
import asyncio
from fieldlink.systemd.child import Child
child = Child("sleeper", lambda: ["sleep", "120"])
asyncio.run(child.run(lambda: print(child.pid, flush=True)))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        while "sleep" not in _name(pid):
            time.sleep(0.01)
        parent.kill()
    for _ in range(500):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlived its parent")


def _name(pid: int) -> str:
    return psutil.Process(pid).name()
