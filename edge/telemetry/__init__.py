"""Telemetry on the kit: judge what devices say, make it durable, and send it as detailed as the
links allow."""
