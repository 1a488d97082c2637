"""The window as text and as a page of its own: bounded, escaped, in both languages."""

import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import pytest

from fieldlab.windows import gap, kit, plan, stream, view
from fieldlink.relay.window import words
from fieldlink.relay.window.html import html_page
from fieldlink.relay.window.text import MINUTE_KEYS, scaled, text_lines
from fieldlink.relay.window.view import Minute, Reason, Verdict, WindowView

_HOSTILE = "rate: <script>alert(1)</script>\x1b]0;x\x07 \u202e" + "very-long-" * 30
_CODES = [
    key.removeprefix("window.reason.")
    for key in words._words("en")
    if key.startswith("window.reason.")
]


def _all_verdicts() -> WindowView:
    streams = [
        stream("ball-1", held={"original": [(0, 30)], "proxy": [(0, 58.5)]}, first=0.3),
        stream(
            "ball-2",
            held={"thin": [(0, 20)], "still": [(20, 30)], "proxy": [(40, 58)]},
            gaps=[gap(30, 40, device="ball-2")],
            first=1,
        ),
        stream("drone-7-" + "x" * 24, held={"still": [(5, 9)]}, first=6),
        stream("helmet-3", kit_name="kit-b"),
    ]
    rows = [
        ("ball-1", "video", "original", 812_345_678, 2, 300, "rate: originals do not fit"),
        ("ball-2", "video", "proxy", 4_500_000, 1, 118, "outages: the link comes and goes"),
        ("drone-7-" + "x" * 24, "video", "proxy", 9_500_000, 2, 150, _HOSTILE),
    ]
    told = plan(*rows, fit=2)
    return view(60, streams, kit(60, plan=told, arrived=2_000_000), kit(60, kit="kit-b"))


def test_the_text_fits_80_columns_and_names_every_verdict() -> None:
    lines = list(text_lines(_all_verdicts()))
    assert max(map(words.columns, lines)) <= 80
    text = "\n".join(lines)
    for said in ("In time 可按时", "At risk 有风险", "Will miss 来不及", "Unknown 未知"):
        assert said in text
    assert "First picture 首图 T0 +0:18" in text
    assert "outages: the link comes and goes" in text
    assert "设备箱没有说明还有多少待传" in text
    [bar] = [line for line in lines if line.startswith("  |") and "g" in line]
    assert len(bar.split("|")[1]) == 60


def test_a_bar_shows_the_worst_of_what_a_cell_stands_for() -> None:
    assert scaled("oooopo.ooo", 5, 10) == "oop.o"
    assert scaled("oo", 60, 120) == "o" + " " * 59
    assert scaled("ppp", 60, 3) == "ppp"
    assert scaled("", 60, 0) == " "


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_nothing_of_a_kits_words_is_markup() -> None:
    page = html_page(_all_verdicts(), "centre <&>")
    reader = _Reader()
    reader.feed(page)
    tags = {tag for tag, _ in reader.tags}
    assert "script" not in tags
    assert not tags & {"img", "link", "iframe", "object", "a"}
    assert not [name for _, found in reader.tags for name in found if name in {"src", "href"}]
    assert "url(http" not in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "<script>alert(1)</script>" in reader.text, "shown as what it is"
    for said in ("来不及 Will miss", "可按时 In time", "▲", "✖", "centre <&>"):
        assert said in reader.text


def test_every_mark_of_a_minute_and_every_reason_has_words_in_both_languages() -> None:
    assert MINUTE_KEYS.keys() == set(Minute)
    assert len(_CODES) > 15
    for code in _CODES:
        why = Reason(code, "x", 5, 2, 1_790_000_000_000_000, 1_000_000, 128_000)
        for language in words.LANGUAGES:
            said = words.reason(language, why)
            assert said
            assert "{" not in said


def test_the_json_holds_the_whole_view() -> None:
    told = json.loads(json.dumps(asdict(_all_verdicts())))
    assert told["verdict"] == "will_miss"
    assert told["streams"][1]["reason"]["code"] == "kit"
    assert told["kits"][0]["fit"] == 2


def test_an_incident_with_nothing_in_it_is_said_to_be_so() -> None:
    empty = view(10, [])
    assert "no kit has promised anything" in "\n".join(text_lines(empty))
    assert "no kit has promised anything" in html_page(empty, "x")


@pytest.mark.parametrize(
    ("text", "width"), [("很长的一句话" * 20, 20), ("word " * 30, 20), ("x" * 100, 20), ("", 20)]
)
def test_long_texts_are_cut_into_lines_that_fit(text: str, width: int) -> None:
    lines = words.cut(text, width)
    assert all(words.columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_figures_are_written_as_people_write_them() -> None:
    assert [words.duration(n * 1_000_000) for n in (5, 65, 3725)] == ["0:05", "1:05", "1:02:05"]
    assert [words.size(n) for n in (5, 4_500_000, 2 * 10**9)] == ["5 B", "4.5 MB", "2.0 GB"]
    assert [words.rate(n) for n in (500, 128_000, 2_500_000)] == [
        "500 bit/s",
        "128 kbit/s",
        "2.5 Mbit/s",
    ]
    assert words.time_of_day(2**62) == "–"
    assert words.verdict("en", Verdict.WILL_MISS, over=True) == "Missed"
    assert words.verdict("en", Verdict.UNKNOWN, over=True) == "Unknown"
