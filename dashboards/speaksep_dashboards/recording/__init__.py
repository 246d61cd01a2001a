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
    "turns",
    "cards",
    "outbox",
    "comments",
    "findings",
    "tracks",
)
"""Of the script, see `speaksep_dashboards.bundle`."""
