"""The kit as the third-party cloud of DJI Pilot 2 and Dock."""
