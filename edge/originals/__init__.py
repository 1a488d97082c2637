"""A store for uploads, spoken to as to S3: what is whole is in the spool before it is said."""
