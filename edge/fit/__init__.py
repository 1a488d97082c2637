"""Fits what is left into the window: how thin each minute goes, and the making of it."""
