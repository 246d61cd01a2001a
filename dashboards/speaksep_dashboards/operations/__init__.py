"""How the platform does, for those who run it."""

PARTS = ("ask", "keys", "view", "cards", "bars")
"""Of the script, see `speaksep_dashboards.bundle`."""
