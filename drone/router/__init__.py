"""The router: many endpoints, each given what it may have, as often as its link can carry."""
