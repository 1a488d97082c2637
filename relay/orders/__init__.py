"""Orders: what people at the centre ask of kits, and how kits are told."""
