"""The centre's certificate authority, and how kits come by their certificates."""
