"""How bytes of aircraft come and go: networks, serial ports, files of recorded flights."""
