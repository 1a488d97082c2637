"""Telemetry for other programs: tracks as GeoJSON, GPX and KML, samples as CSV and Parquet.

Every writer gives its file piece by piece, so that a day of a province needs no more memory than
one device's track.
"""
