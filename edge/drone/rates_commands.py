"""`fieldlink drone rates`: how often each message goes to each link."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.once import ask_once

if TYPE_CHECKING:
    from fieldlink.drone.router import EndpointSettings
    from fieldlink.edge.config import EdgeSettings

    Pairs = list[tuple[EndpointSettings, EndpointSettings]]

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="How often each message goes to each link; set for each drone.endpoint. 消息速率",
)


@app.command("show")
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What each endpoint is given: by the running agent, else by the settings. 各链路速率

    What `rates set` changed is marked with *. For good: profile, rates and budget in the settings,
    then `fieldlink edge reload`.
    """
    from fieldlink.drone.router.policy import policy_of
    from fieldlink.edge.config import load_edge_settings

    settings = load_edge_settings(config)
    running = _running(settings)
    pairs = [(one, one) for one in settings.drone.endpoint] if running is None else running
    if as_json:
        say_json(
            {now.name: {**_rates(policy_of(now)), "changed": now != kept} for kept, now in pairs}
        )
        return
    _say_pairs(pairs)
    if not pairs:
        say("there is no [[drone.endpoint]] 没有配置链路; see fieldlink drone rates profile lan")


@app.command("set")
def set_(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name, as in drone links.")],
    rates: Annotated[
        list[str] | None,
        typer.Argument(
            help="Messages and rates in Hz: ATTITUDE=2 VFR_HUD=0 '*=0' (0 is never, * the rest).",
            metavar="[MESSAGE=HZ]...",
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="lan, lte, sat or beidou, with the rates of that.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help='The most that is sent to it, like "9600bit/s"; or none.')
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Change what a link of the running agent is given, at once. 临时调整速率

    fieldlink drone rates set sat ATTITUDE=0.5 --budget 4800bit/s

    It does not outlive a restart or a reload, and no file is changed.
    不写入配置，重启或重新加载后恢复。
    """
    from fieldlink.edge.drone.live_rates import UNTIL

    asked = {"endpoint": endpoint, "rates": _pairs_of(rates or ()), "profile": profile}
    if not rates and profile is None and budget is None:
        raise typer.BadParameter("say what to change: MESSAGE=HZ, --profile or --budget")
    found = ask_once(config, "rates.set", None, **asked, budget=budget)
    if as_json:
        say_json(found)
        return
    _say_pairs([pair for pair in _parsed(found) if pair[0].name == endpoint])
    say(UNTIL)


@app.command("reset")
def reset(
    endpoint: Annotated[
        str | None, typer.Argument(help="The endpoint's name; without: all of them.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give links what the settings say again. 恢复配置速率"""
    found = ask_once(config, "rates.reset", None, endpoint=endpoint)
    if as_json:
        say_json(found)
        return
    names = ", ".join(found["reset"])
    say(f"as in the settings again 已恢复: {names}" if names else "nothing was changed 无更改")


@app.command("profile")
def profile(
    name: Annotated[str, typer.Argument(help="lan, lte, sat or beidou; without: all four.")] = "",
    as_json: AsJson = False,
) -> None:
    """What links of a profile are given: lan, lte, sat, beidou. 链路类型"""
    from fieldlink.drone.console.wording import profile_lines
    from fieldlink.drone.router.profiles import PROFILES

    if name and name not in PROFILES:
        raise typer.BadParameter(f"{name!r}: use one of {', '.join(PROFILES)}")
    wanted = [PROFILES[name]] if name else list(PROFILES.values())
    if as_json:
        say_json({one.name: _rules(one.rules, one.other) for one in wanted})
        return
    for one in wanted:
        for line in profile_lines(one):
            say(line)


def _running(settings: "EdgeSettings") -> "Pairs | None":
    """What the running agent has: of each endpoint the settings, and what it is given now."""
    from fieldlink.edge.control import ask_agent
    from fieldlink.edge.drone.doing import VERB

    found = ask_agent(settings.control_path, VERB, {"what": "rates.show"})
    return _parsed(found) if found is not None and found.get("ok") else None


def _parsed(found: dict[str, Any]) -> "Pairs":
    from fieldlink.drone.router import EndpointSettings

    make = EndpointSettings.model_validate
    return [(make(one["settings"]), make(one["now"])) for one in found["endpoints"]]


def _pairs_of(texts: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, rate = text.partition("=")
        try:
            found[name.strip().upper()] = float(rate)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r}: write MESSAGE=HZ, like ATTITUDE=2") from error
    return found


def _say_pairs(pairs: "Pairs") -> None:
    from fieldlink.drone.console.wording import policy_lines
    from fieldlink.drone.router.policy import policy_of

    for kept, now in pairs:
        for line in policy_lines(now.name, policy_of(now), policy_of(kept)):
            say(line)


def _rates(policy: Any) -> dict[str, Any]:
    return {
        "profile": policy.profile.name,
        "budget_bytes_s": policy.budget_bytes_s,
        **_rules(policy.interval_us, policy.other_us),
    }


def _rules(rules: dict[int, int], other_us: int) -> dict[str, Any]:
    from fieldlink.codecs.mavlink import name_of

    return {
        "interval_us": {name_of(msgid): interval_us for msgid, interval_us in rules.items()},
        "other_us": other_us,
    }
