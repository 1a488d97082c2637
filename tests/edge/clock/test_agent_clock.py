"""The agent lives by the kit's clock: a box that believes it is 1970 says so, and is right."""

import asyncio
from pathlib import Path

from fieldlab.spools import open_spool
from fieldlink.edge.agent import Agent
from fieldlink.edge.clock.clock import KitClock, steady_us
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.clock_check import ClockState
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.show import status_lines
from fieldlink.edge.spool import RetentionPolicy

TRUE_US = 1_780_000_000_000_000


def test_the_agents_times_are_right_though_the_systems_are_not(tmp_path: Path) -> None:
    began_us = steady_us()
    clock = KitClock(system=lambda: steady_us() - began_us, kernel=lambda: ClockState(False, None))
    for n in range(3):
        clock.observe(Origin.GNSS, TRUE_US + n, began_us + n, 500_000)
    config = tmp_path / "edge.toml"
    config.write_text('state_dir = "kit"\nkit = "kit-a"\n')
    settings = load_edge_settings(config)
    settings.state_dir.mkdir()
    spool = open_spool(tmp_path / "spool", RetentionPolicy(quota_bytes=1_000_000))

    async def run() -> dict[str, object]:
        agent = Agent(settings, config, spool, "kit-a", clock)
        rows = {row.name: row for row in agent.rows()}
        control = asyncio.ensure_future(rows["control"].run(lambda: None))
        try:
            while not await asyncio.to_thread(settings.control_path.exists):
                await asyncio.sleep(0.02)
            answer = await asyncio.to_thread(ask_agent, settings.control_path, "status")
        finally:
            control.cancel()
            await asyncio.wait([control])
        assert answer is not None
        return dict(answer["status"])

    status = asyncio.run(run())
    spool.close()
    assert abs(int(str(status["started_us"])) - TRUE_US) < 60_000_000
    (said,) = [line for line in status_lines(status, 300) if line.startswith("clock")]
    assert "by GNSS 卫星授时" in said
    assert "56.4 years 年 behind 慢, corrected 已修正" in said
