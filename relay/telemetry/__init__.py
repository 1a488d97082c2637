"""Telemetry at the centre: what came is put in order, kept, asked for and passed on."""
