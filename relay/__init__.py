"""The centre: receiver, archive, catalogue, page."""
