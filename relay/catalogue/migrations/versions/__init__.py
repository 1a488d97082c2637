"""One module for each version of the catalogue; never change one that was released."""
