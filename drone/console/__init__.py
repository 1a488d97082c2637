"""What operators see and do at a terminal: links, vehicles, recordings, files, keys.

`wording` makes lines of reports, `screen` keeps them on a terminal, `alone` is a router without a
kit around it. The commands themselves are the kit's (`edge/drone`), which knows where things are.
"""
