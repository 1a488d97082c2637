"""The kit's clock: measured against GNSS, the kernel's word of NTP and the centre, with its known
error. `measure` decides and reads no clock; `clock` reads the clocks.
"""
