"""Many recordings at once: how far they are, what failed, what they cost."""

PARTS = ("ask", "keys", "view", "cards", "outbox", "comments", "bars")
"""Of the script, see `speaksep_dashboards.bundle`."""
