"""Who is where: systems and components, by the links that their messages came over.

The rules are those of the MAVLink guide (Routing) and of mavlink-router: what names a target goes
where that target was heard, what names none goes everywhere, and nothing goes back to where its
sender was heard. A target that was heard on several links is reached over all of them.
"""

__all__ = ["Routes"]

_MAX_LEARNED = 4096
_MAX_PLANS = 4096


class Routes:
    """Links are numbers of the caller's."""

    def __init__(self) -> None:
        self._links: set[int] = set()
        self._heard: dict[tuple[int, int], dict[int, int]] = {}  # who -> link -> when
        self._plans: dict[tuple[int, int, int, int, int], tuple[int, ...] | None] = {}
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

    def plan(
        self, link: int, sysid: int, compid: int, target_system: int, target_component: int
    ) -> tuple[int, ...] | None:
        """The links for a message of a component that came over `link`; None when its target was
        not heard anywhere.
        """
        key = link, sysid, compid, target_system, target_component
        try:
            return self._plans[key]
        except KeyError:
            pass
        if len(self._plans) >= _MAX_PLANS:
            self._plans.clear()
        plan = self._plans[key] = self._made(*key)
        return plan

    def _made(
        self, link: int, sysid: int, compid: int, target_system: int, target_component: int
    ) -> tuple[int, ...] | None:
        not_to = {link, *self._heard.get((sysid, compid), ())}
        if not target_system:
            return tuple(sorted(self._links - not_to))
        target = set(self._heard.get((target_system, target_component), ()))
        # All its components, or one that has not spoken yet: where the system is.
        target = target or {
            link
            for (system, _), links in self._heard.items()
            if system == target_system
            for link in links
        }
        # The kit itself is heard of, and is no link.
        return tuple(sorted((target - not_to) & self._links)) if target else None
