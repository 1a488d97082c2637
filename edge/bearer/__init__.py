"""Ways to the centre: `session` decides, `mqtt` carries, `service` keeps it going."""
