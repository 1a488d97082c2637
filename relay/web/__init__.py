"""The centre's HTTP API and page: what a duty officer sees and what programs read."""
