"""The device API: devices around the kit speak MQTT to a broker of its own, or to one by URL."""
