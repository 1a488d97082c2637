"""What one endpoint may have and send, from its settings, ready to be asked for each frame."""

from dataclasses import dataclass

from fieldlink.codecs.mavlink import HEARTBEAT, Frame, id_of
from fieldlink.drone.connection.address import parse_address
from fieldlink.drone.router.profiles import ALWAYS, NEVER, PROFILES, Profile, rule_of
from fieldlink.drone.router.settings import EndpointSettings, FilterSettings

__all__ = ["Filter", "Policy", "policy_of"]

# Nobody is there who could be given anything.
_FILE = Profile("file", other=NEVER, heartbeat_us=None, answers=False)


@dataclass(frozen=True, slots=True)
class Filter:
    """Messages and systems that may pass."""

    allow_messages: frozenset[int]
    block_messages: frozenset[int]
    allow_systems: frozenset[int]
    block_systems: frozenset[int]

    @property
    def open(self) -> bool:
        """Whether everything passes."""
        allowed = self.allow_messages or self.allow_systems
        return not (allowed or self.block_messages or self.block_systems)

    def passes(self, frame: Frame) -> bool:
        """Whether `frame` may pass."""
        return not (
            frame.msgid in self.block_messages
            or frame.sysid in self.block_systems
            or (self.allow_messages and frame.msgid not in self.allow_messages)
            or (self.allow_systems and frame.sysid not in self.allow_systems)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """An endpoint's rules. `interval_us` has an entry for each message named; `other_us` is for
    the rest."""

    profile: Profile
    give: Filter
    take: Filter
    interval_us: dict[int, int]
    other_us: int
    budget_bytes_s: float | None
    system_bytes_s: float | None
    signed: bool
    queue_bytes: int
    lost_after_us: int

    @property
    def plain(self) -> bool:
        """Whether everything is given as it comes."""
        thinned = self.interval_us or self.other_us != ALWAYS
        return self.give.open and not thinned and self.budget_bytes_s is None

    def interval_of(self, msgid: int) -> int:
        """The least time between two of a message: `ALWAYS`, `NEVER`, or us."""
        return self.interval_us.get(msgid, self.other_us)


def policy_of(settings: EndpointSettings) -> Policy:
    """The rules that `settings` describe."""
    profile = PROFILES[settings.profile]
    if parse_address(settings.connect).kind == "file":
        profile = _FILE
    named = {id_of(name): rule for name, rule in _custom(settings.rates) if name != "*"}
    others = [rule for name, rule in _custom(settings.rates) if name == "*"]
    take = _filter(settings.take)
    if not profile.heartbeats:  # on such a link there are none, either way
        take = Filter(
            take.allow_messages,
            take.block_messages | {HEARTBEAT},
            take.allow_systems,
            take.block_systems,
        )
    lost_after_s = settings.lost_after or profile.lost_after_s
    return Policy(
        profile=profile,
        give=_filter(settings.give),
        take=take,
        interval_us={**profile.rules, **named},
        other_us=others[0] if others else profile.other,
        budget_bytes_s=settings.budget / 8 if settings.budget is not None else None,
        # The bound belongs to the profile's own rates.
        system_bytes_s=None if settings.rates else profile.system_bytes_s,
        signed=settings.signing == "require",
        queue_bytes=settings.queue,
        lost_after_us=round(lost_after_s * 1e6),
    )


def _custom(rates: dict[str, float]) -> list[tuple[str, int]]:
    return [(name, rule_of(rate) if rate else NEVER) for name, rate in rates.items()]


def _filter(settings: FilterSettings) -> Filter:
    return Filter(
        frozenset(id_of(name) for name in settings.allow_messages),
        frozenset(id_of(name) for name in settings.block_messages),
        frozenset(settings.allow_systems),
        frozenset(settings.block_systems),
    )
