"""NMEA 0183 sentences of satellite receivers."""
