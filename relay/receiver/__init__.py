"""The receiver: chunks in, checked, held, hashed, filed; custody out."""
