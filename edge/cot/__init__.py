"""Cursor on Target on the kit: its users see and are seen."""
