"""Originals that others made (photos and videos of cards), as far as they have come."""
