"""Positions: datums, distances, and what is possible."""
