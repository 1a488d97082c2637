"""Archived payload over one satellite link of 8 Mbit/s, 600 ms and 2 % loss."""

from collections.abc import Sequence

from fieldlab.badlink.scenario import even_link
from fieldlab.figure import Figure
from fieldlab.goodput import goodput_figures


def measure() -> Sequence[Figure]:
    """A minute and a half each; start-up counts. One connection of iperf3 does not fill it."""
    link = even_link("sat", 8_000_000, 600, 0.02)
    return goodput_figures("goodput_8m", link, seconds=90, least=0.85, least_of_iperf=0.95)
