"""What the agent has queued follows the spool: recorded, and given up when the disk is short."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fieldlab.spools import content_of, draft_of, open_spool
from fieldlink.edge.agent import Agent
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.spool import RetentionPolicy, Spool


def _agent(folder: Path, scenario: Callable[[Agent, Path], Awaitable[None]], spool: Spool) -> None:
    config = folder / "edge.toml"
    config.write_text('state_dir = "kit"\nkit = "kit-a"\n')
    settings = load_edge_settings(config)
    settings.state_dir.mkdir()

    async def run() -> None:
        agent = Agent(settings, config, spool, "kit-a")
        agent.take_stock()
        rows = {row.name: row for row in agent.rows()}
        control = asyncio.ensure_future(rows["control"].run(lambda: None))
        try:
            await scenario(agent, settings.control_path)
        finally:
            control.cancel()
            await asyncio.wait([control])

    asyncio.run(run())


def test_what_the_spool_gives_up_is_queued_no_longer(tmp_path: Path) -> None:
    spool = open_spool(tmp_path / "spool", RetentionPolicy(quota_bytes=1_000_000))

    async def scenario(_agent: Agent, control: Path) -> None:
        for number in range(40):
            await asyncio.to_thread(spool.add, draft_of(number), content_of(number, 100_000))
        held = await asyncio.to_thread(spool.totals)  # every row is in the index, and told of
        while not await asyncio.to_thread(control.exists):
            await asyncio.sleep(0.02)
        answer = await asyncio.to_thread(ask_agent, control, "plan")
        assert answer is not None
        rows = {row["layer"]: row["pending_bytes"] for row in answer["plan"]["streams"]}
        assert rows == {one.value: count.size_bytes for one, count in held.pending.items()}

    _agent(tmp_path, scenario, spool)
    spool.close()
