"""KLV that comes beside a camera's pictures: kept as it came, and heard as what the aircraft says.

`track` is capture's side, on a recorder's thread; `crossing` takes what was understood to the event
loop, where the intake is; `readings` is a set as samples.
"""
