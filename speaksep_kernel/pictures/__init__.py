"""Pictures of audio as numbers: what widgets and dashboards draw, computed once and small enough to send."""
