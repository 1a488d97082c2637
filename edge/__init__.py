"""The kit: devices, capture, spool, planner, bearers."""
