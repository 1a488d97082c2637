"""The kit's own position and the satellites' time, from a receiver on a serial port, behind a
TCP port, or from gpsd.
"""
