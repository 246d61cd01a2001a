"""Two separations of one recording: heard blind, then measured."""

PARTS = ("ask", "keys", "view", "transport", "cards", "outbox", "comments", "bars", "listening")
"""Of the script, see `speaksep_dashboards.bundle`."""
