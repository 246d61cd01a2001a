"""Predicted time and memory of a separation, from measured real-time factors."""

from __future__ import annotations

from speaksep_kernel.diagnosis.report import Diagnosis

WINDOW_S = 8.0
"""What the network sees at once."""

NETWORK_RTF = {"cpu": 0.09, "cuda": 0.002}
"""Seconds per second of window, on two CPU cores and on one GPU."""
RENDER_RTF = 0.01
"""Mixing down the tracks and writing them, per track."""
START_S = {"cpu": 3.0, "cuda": 6.0}
"""Loading the network."""
BASE_BYTES = 700_000_000
WINDOW_BYTES = 250_000_000
"""Libraries and weights; activations of a batch of windows. Recordings are never held whole."""


def predict_seconds(diagnosis: Diagnosis, *, hop_s: float, device: str, network: bool) -> float:
    """Seconds a separation should take, the diagnosis not counted.

    Parameters
    ----------
    diagnosis
        Its overlaps decide how many windows the network has to see.
    hop_s
        Step between windows.
    device
        "cpu" or "cuda".
    network
        Whether the network is used at all.
    """
    rendering = RENDER_RTF * diagnosis.recording.seconds * (diagnosis.speakers + 1)
    if not network:
        return round(rendering, 1)
    windows = {int(at // hop_s) for start, end in diagnosis.overlap_spans for at in _steps(start, end, hop_s)}
    return round(START_S[device] + NETWORK_RTF[device] * WINDOW_S * len(windows) + rendering, 1)


def predict_memory_bytes(diagnosis: Diagnosis) -> int:
    """Peak resident memory a separation should need; hardly depends on the length."""
    return BASE_BYTES + WINDOW_BYTES + 4 * 20 * diagnosis.recording.rate_hz * (diagnosis.speakers + 2)


def _steps(start_s: float, end_s: float, hop_s: float) -> list[float]:
    count = int(end_s // hop_s) - int(start_s // hop_s)
    return [start_s + k * hop_s for k in range(count)] + [end_s]
