"""Published, read-only views of separated recordings."""
