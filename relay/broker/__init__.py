"""The message broker between the kits and the centre: its own nats-server, or one by URL."""
