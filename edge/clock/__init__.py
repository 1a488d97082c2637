"""What time it is: the kit's clock, measured."""
