"""Cursor on Target: people with ATAK, WinTAK or iTAK beside the kit become devices of it, and see
the kit's devices on their maps.
"""
