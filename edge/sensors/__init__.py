"""Front-end sensors: Modbus, serial lines, and their limits."""
