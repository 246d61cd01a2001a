"""Numbers of the quality forecast, made by ``tests/bench/bench_quality.py``; nothing here is set by hand."""

from __future__ import annotations

MOST_SNR_DB = 40.0
"""Beyond this, noise no longer matters."""
MOST_CLARITY_DB = 25.0
"""Beyond this, there is no room to hear."""
COEFFICIENTS = {"one": 5.0, "more_than_two": -2.0, "snr_db": 0.1, "clarity_db": 0.1, "spread_db": 0.0, "semitones": 0.1}
"""Expected SI-SDR improvement in dB is the sum of these times the conditions of the overlap."""
SPREAD_DB = 3.0
"""Standard deviation of what is gained around what is expected."""
BAND = (-3.8, 3.8)
"""10th and 90th percentile of it."""
