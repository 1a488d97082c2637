"""Where the kit is: GNSS on a serial port, or gpsd."""
