"""Video that is pushed to the kit by WHIP (RFC 9725): from phones, OBS, browsers, DJI docks."""
