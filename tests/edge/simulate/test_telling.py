"""What simulated devices tell whoever started them."""

from fieldlink.edge.simulate.telling import connected_line, summary_lines


def test_a_line_says_how_many_are_connected_and_why_the_others_are_not() -> None:
    assert connected_line(3, 3, {""}) == "3 of 3 connected 已连接"
    assert connected_line(1, 2, {"", "b", "a\x1b"}) == "1 of 2 connected 已连接: a\\x1b; b"


def test_the_summary_is_counts_then_what_the_kit_has_then_what_kept_any_away() -> None:
    found = {"devices": 1, "said": 9, "confirmed": {"position": 4, "sos": 0}, "down": ["gone"]}
    assert summary_lines(found) == [
        "devices 1, said 9",
        "the kit has 设备箱已确认: position 4",
        "not connected 未连接: gone",
    ]
