"""Telemetry for other programs: tracks as GeoJSON, GPX and KML, samples as CSV and Parquet.

The writers of tracks are `codecs.tracks`. Every writer gives its file piece by piece, so that a
day of a province needs no more memory than one device's track.
"""
