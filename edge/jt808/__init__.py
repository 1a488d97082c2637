"""A JT/T 808 server for the terminals around the kit."""
