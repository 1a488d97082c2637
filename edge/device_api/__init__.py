"""The device API: a broker on the kit for the devices around it."""
