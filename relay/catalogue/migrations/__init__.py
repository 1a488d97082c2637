"""Migrations of the catalogue, run by `fieldlink.relay.catalogue.schema` whenever it opens."""
