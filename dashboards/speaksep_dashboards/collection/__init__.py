"""Many recordings at once: what they are like, which need attention, how that changes over time."""

PARTS = ("ask", "keys", "cards", "outbox", "comments", "bokeh", "columns", "filters", "table", "worst", "figures")
"""Scripts before ``view.js``, see `speaksep_dashboards.bundle.esm`."""
