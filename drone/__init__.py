"""Aircraft: the room where MAVLink and DJI adapters live."""
