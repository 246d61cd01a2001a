"""A whole separation as one file: for a mixing desk, for a colleague, for an archive."""
