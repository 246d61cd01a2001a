"""Predicted time and memory of a separation, from measured real-time factors."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from speaksep_kernel.diagnosis.report import Diagnosis

WINDOW_S = 8.0
"""What the network sees at once."""

NETWORK_RTF = {"cpu": 0.09, "cuda": 0.002}
"""Seconds per second of window, on two CPU cores and on one GPU."""
VOICES_RTF = 0.06
"""Who speaks when: segmentation and voices, on two CPU cores (a GPU is not used for them)."""
DIAGNOSE_RTF = 0.022
"""All measures of the diagnosis, on one core, of 44.1 kHz stereo."""
RENDER_RTF = 0.002
"""Mixing down the tracks and writing them, per track."""
CHANGE_S = 0.4
"""Speakers who follow one another faster than this are separated there too: one cannot cut between them."""
START_S = {"cpu": 4.0, "cuda": 7.0}
"""Loading libraries and networks."""
BASE_BYTES = 600_000_000
WINDOW_BYTES = 370_000_000
"""Libraries and weights; activations of a batch of windows. Recordings are never held whole."""


def predict_seconds(diagnosis: Diagnosis, *, hop_s: float, device: str, network: bool) -> float:
    """Seconds a separation should take, all of it.

    Parameters
    ----------
    diagnosis
        Its overlaps and quick changes of speaker decide how many windows the network has to see.
    hop_s
        Step between windows.
    device
        "cpu" or "cuda".
    network
        Whether the network is used at all.
    """
    length_s = diagnosis.recording.seconds
    always = START_S[device] + (VOICES_RTF + DIAGNOSE_RTF + RENDER_RTF * (diagnosis.speakers + 1)) * length_s
    if not network:
        return round(always, 1)
    return round(always + NETWORK_RTF[device] * WINDOW_S * _windows(diagnosis, hop_s), 1)


def bounds_seconds(length_s: float, *, hop_s: float, device: str) -> tuple[float, float]:
    """Fewest and most seconds a separation should take, before anybody has listened.

    Parameters
    ----------
    length_s
        Of the recording.
    hop_s, device
        As in `predict_seconds`.

    Returns
    -------
    For one voice alone, and for two that talk over each other from beginning to end.

    Examples
    --------
    >>> bounds_seconds(60, hop_s=6, device="cpu")
    (9.2, 16.5)
    """
    least, most = (START_S[device] + (VOICES_RTF + DIAGNOSE_RTF + RENDER_RTF * tracks) * length_s for tracks in (2, 3))
    return round(least, 1), round(most + NETWORK_RTF[device] * WINDOW_S * ceil(length_s / hop_s), 1)


def predict_memory_bytes(diagnosis: Diagnosis) -> int:
    """Peak resident memory a separation should need; hardly depends on the length."""
    return BASE_BYTES + WINDOW_BYTES + 4 * 20 * diagnosis.recording.rate_hz * (diagnosis.speakers + 2)


def _windows(diagnosis: Diagnosis, hop_s: float) -> int:
    """Fewest windows that cover what has to be separated."""
    changes = [
        (after.start_s, after.start_s)
        for before, after in pairwise(diagnosis.turns)
        if before.speaker != after.speaker and 0 <= after.start_s - before.end_s < CHANGE_S
    ]
    count, covered_s = 0, -1.0
    for start_s, end_s in sorted([*diagnosis.overlap_spans, *changes]):
        while end_s > covered_s:
            covered_s = max(start_s, covered_s) + hop_s
            count += 1
    return count
