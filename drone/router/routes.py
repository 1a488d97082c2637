"""Who is where: systems and components, by the links that their messages came over.

The rules are those of the MAVLink guide (Routing): what names a target goes where that target was
heard, over all those links; what names none goes everywhere. Nothing goes back over the link it
came by, and what names no target not over links where its sender was heard just now either.
mavlink-router leaves those out for ever and for commands too: then one forged message, or an
aircraft that once passed on what a ground station said, would cut that ground station off.
"""

__all__ = ["Routes"]

_MAX_LEARNED = 4096
_MAX_PLANS = 4096
_HERE_US = 5_000_000
_PLANNED_US = 1_000_000


class Routes:
    """Links are numbers of the caller's."""

    def __init__(self) -> None:
        self._links: set[int] = set()
        self._heard: dict[tuple[int, int], dict[int, int]] = {}  # who -> link -> when
        self._plans: dict[tuple[int, int, int, int, int], tuple[int, ...] | None] = {}
        self._planned_us = 0
        self.full = 0
        """How often somebody could not be learned because there are too many."""

    def add(self, link: int) -> None:
        """A link is there."""
        self._links.add(link)
        self._plans.clear()

    def remove(self, link: int) -> None:
        """A link is gone, and whoever was behind it with it."""
        self._links.discard(link)
        for who, links in list(self._heard.items()):
            links.pop(link, None)
            if not links:
                del self._heard[who]
        self._plans.clear()

    def learn(self, link: int, sysid: int, compid: int, now_us: int) -> None:
        """A message of a component came over `link`. System 0 is nobody."""
        links = self._heard.get((sysid, compid))
        if links is not None and link in links:
            links[link] = now_us
            return
        if not sysid:
            return
        if links is None:
            if len(self._heard) >= _MAX_LEARNED:
                self.full += 1
                return
            links = self._heard[sysid, compid] = {}
        links[link] = now_us
        self._plans.clear()

    def forget(self, before_us: int) -> None:
        """Forget who was not heard since `before_us`."""
        for who, links in list(self._heard.items()):
            for link in [link for link, at_us in links.items() if at_us < before_us]:
                del links[link]
                self._plans.clear()
            if not links:
                del self._heard[who]

    def behind(self, link: int) -> list[tuple[int, int]]:
        """The components heard on `link`."""
        return sorted(who for who, links in self._heard.items() if link in links)

    def heard(self, target: tuple[int, int]) -> dict[int, int]:
        """The links where a component was heard, and when last; component 0, or one that has not
        spoken yet, is where its system is.
        """
        found = dict(self._heard.get(target, ()))
        for (system, _), links in () if found else self._heard.items():
            if system == target[0]:
                for link, at_us in links.items():
                    found[link] = max(at_us, found.get(link, at_us))
        return {link: at_us for link, at_us in found.items() if link in self._links}

    def plan(
        self, link: int, sysid: int, compid: int, target: tuple[int, int], now_us: int
    ) -> tuple[int, ...] | None:
        """The links for a message of a component that came over `link`; None when its target was
        not heard anywhere.
        """
        if now_us - self._planned_us > _PLANNED_US:  # who was heard lately changes with time
            self._plans.clear()
            self._planned_us = now_us
        key = link, sysid, compid, *target
        try:
            return self._plans[key]
        except KeyError:
            pass
        if len(self._plans) >= _MAX_PLANS:
            self._plans.clear()
        plan = self._plans[key] = (
            self._towards(link, target) if target[0] else self._around(link, sysid, compid, now_us)
        )
        return plan

    def _around(self, link: int, sysid: int, compid: int, now_us: int) -> tuple[int, ...]:
        heard = self._heard.get((sysid, compid), {})
        here = {other for other, at_us in heard.items() if now_us - at_us < _HERE_US}
        return tuple(sorted(self._links - here - {link}))

    def _towards(self, link: int, target: tuple[int, int]) -> tuple[int, ...] | None:
        links = set(self._heard.get(target, ()))
        # All its components, or one that has not spoken yet: where the system is.
        links = links or {
            other
            for (system, _), heard in self._heard.items()
            if system == target[0]
            for other in heard
        }
        # The kit itself is heard of, and is no link.
        return tuple(sorted((links - {link}) & self._links)) if links else None
