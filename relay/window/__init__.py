"""The window view: what has come, what is promised for when, what will miss and why."""
