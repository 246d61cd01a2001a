"""Published, read-only views of separated recordings."""

VIEWS = "views"
"""Folder of what belongs to open pages; whoever serves dashboards empties it when it starts."""
