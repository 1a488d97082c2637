"""Aircraft that speak MAVLink, as one of the kit's adapters."""
