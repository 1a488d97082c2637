"""Cursor on Target: what ATAK and WinTAK show and say."""
