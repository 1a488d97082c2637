"""Flights at the centre: what has come of each, what it was like, and as files."""
