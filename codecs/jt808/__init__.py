"""JT/T 808: terminals of vehicles and responders."""
