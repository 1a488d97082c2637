"""Flights, videos and photos of others taken into the record: from files, as if they had come live.

`importer` takes one file; `logs`, `videos` and `keeping` make records of it, `samples` telemetry.
`asking` has it done by the running agent, to which `handover` gives the open file, or without one.
"""
