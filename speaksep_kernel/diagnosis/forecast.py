"""Numbers of the quality forecast, made by ``tests/bench/bench_quality.py``; nothing here is set by hand."""

from __future__ import annotations

MOST_SNR_DB = 40.0
"""Beyond this, noise no longer matters."""
MOST_CLARITY_DB = 25.0
"""Beyond this, there is no room to hear."""
COEFFICIENTS = {
    "one": -2.201,
    "more_than_two": 2.318,
    "snr_db": 0.037,
    "clarity_db": 0.139,
    "spread_db": 0.0,
    "semitones": 0.448,
}
"""Expected SI-SDR improvement in dB is the sum of these times the conditions of the overlap."""
SPREAD_DB = 3.43
"""Standard deviation of what is gained around what is expected."""
BAND = (-3.8, 4.1)
"""10th and 90th percentile of it."""
