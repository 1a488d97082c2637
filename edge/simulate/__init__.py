"""Simulators of devices, which are a product feature: `fieldlink sim camera`."""
