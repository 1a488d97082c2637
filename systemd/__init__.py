"""What a service needs from the machine it runs on, and the units that start it."""
