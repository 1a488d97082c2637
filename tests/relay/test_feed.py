"""The feed: news reach every follower; a slow one loses the oldest and is told."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

from fieldlink.relay.feed import MISSED, Feed, News


def _follow(feed: Feed) -> AsyncGenerator[News, None]:
    return cast(AsyncGenerator[News, None], feed.subscribe())


def test_every_follower_gets_news_from_any_thread() -> None:
    async def story() -> list[Any]:
        feed = Feed()
        first, second = _follow(feed), _follow(feed)
        waiting = [asyncio.ensure_future(anext(first)), asyncio.ensure_future(anext(second))]
        await asyncio.sleep(0)
        assert feed.followers == 2
        await asyncio.to_thread(feed.publish, "still", {"bundle": "ab"})
        got = list(await asyncio.gather(*waiting))
        await first.aclose()
        await second.aclose()
        assert feed.followers == 0
        return got

    assert asyncio.run(story()) == [("still", {"bundle": "ab"})] * 2


def test_a_slow_follower_loses_the_oldest_and_is_told_how_many() -> None:
    async def story() -> list[Any]:
        feed = Feed(most_waiting=3)
        follower = _follow(feed)
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        for n in range(10):
            feed.publish("event", {"n": n})
        got = [await waiting] + [await anext(follower) for _ in range(3)]
        await follower.aclose()
        return got

    expected = [(MISSED, {"count": 7}), *(("event", {"n": n}) for n in (7, 8, 9))]
    assert asyncio.run(story()) == expected
