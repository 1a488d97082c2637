"""Archived payload over one satellite link of 1 Mbit/s, 600 ms and 2 % loss."""

from collections.abc import Sequence

from fieldlab.badlink.scenario import even_link
from fieldlab.figure import Figure
from fieldlab.goodput import goodput_figures


def measure() -> Sequence[Figure]:
    """Two minutes each; start-up counts, from the first packet to the last bundle's custody."""
    link = even_link("sat", 1_000_000, 600, 0.02)
    return goodput_figures("goodput_1m", link, seconds=120, least=0.88, least_of_iperf=0.95)
