"""The exercise: a centre, a kit and cameras on this machine, joined and run as in the field."""
