"""One recording: what is wrong with it, who spoke when, and what each of them sounds like."""

PARTS = (
    "ask",
    "view",
    "waveform",
    "spectrogram",
    "transport",
    "keys",
    "sight",
    "keepup",
    "outbox",
    "comments",
    "cards",
    "findings",
    "tracks",
)
"""Of the script, see `speaksep_dashboards.bundle`."""
