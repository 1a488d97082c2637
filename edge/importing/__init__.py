"""Flights, videos and photos of others taken into the record: from files, as if they had come live.

`importer` takes one file; `logs`, `videos` and `keeping` make records of it, `samples` telemetry.
`asking` does it with the running agent's spool, which that lends (`service`, `passing`), or alone.
"""
