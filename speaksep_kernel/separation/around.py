"""Any network of shape (batch, samples) -> (batch, speakers, samples) as a separator: rate, level, length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.errors import PluginError
from speaksep_kernel.separation.protocol import LocalTracks

Float32 = NDArray[np.float32]
Network = Callable[[Float32], Float32]

SILENCE = 1e-5
"""Windows that never exceed this (-100 dBFS) are not shown to the network: many divide by their input's level."""

LEVEL = 0.05
"""RMS that networks see, about what public speech corpora have."""


class NetworkSeparator:
    """What stands between a network and the platform; a plugin inherits it and brings ``info`` and a network.

    The network's own ideas about rate and level do not matter: windows are resampled to ``rate_hz``, brought to one
    level before the network, and each track is scaled afterwards so that together they explain the window best (least
    squares), as networks trained on SI-SDR return tracks at any level.

    Parameters
    ----------
    network
        float32 (1, samples) in, (1, speakers, samples) or (1, samples, speakers) out, for any number of samples.
    rate_hz
        Sample rate it was trained at.
    called
        What errors call it.

    Examples
    --------
    >>> twice = NetworkSeparator(lambda heard: np.stack([heard, heard], 1), rate_hz=8000)
    >>> (local,) = twice.separate(np.ones((1, 16000), np.float32), 16000)
    >>> local.tracks.shape
    (2, 16000)
    """

    def __init__(self, network: Network, *, rate_hz: int, called: str = "the network") -> None:
        self._network, self._rate_hz, self._called = network, rate_hz, called

    def separate(self, windows: Float32, rate_hz: int) -> list[LocalTracks]:
        """Separate (batch, samples) windows, see `Separator.separate`.

        Raises
        ------
        PluginError
            Reason ``bad-model-output``: the network failed, or returned another shape or something not finite.
        """
        return [LocalTracks(self._one(window, rate_hz)) for window in windows]

    def _one(self, window: Float32, rate_hz: int) -> Float32:
        silent = float(np.abs(window).max(initial=0.0)) < SILENCE
        # Silence still passes a probe through the network: the number of tracks must not depend on the content.
        heard = np.full_like(window, LEVEL) if silent else window
        heard = soxr.resample(heard, rate_hz, self._rate_hz)
        rms = float(np.sqrt(np.mean(heard**2)))
        tracks = self._run((heard * np.float32(LEVEL / rms)).astype(np.float32))
        tracks = np.stack([_fit(soxr.resample(track, self._rate_hz, rate_hz), len(window)) for track in tracks])
        if silent:
            return np.zeros_like(tracks)
        gains = np.linalg.lstsq(tracks.T.astype(np.float64), window.astype(np.float64), rcond=1e-6)[0]
        result: Float32 = (tracks * gains[:, None]).astype(np.float32)
        return result

    def _run(self, samples: Float32) -> Float32:
        try:
            out = np.asarray(self._network(samples[None]), dtype=np.float32)
        except Exception as cause:
            raise self._bad(f"failed: {cause}") from cause
        if out.ndim == 3 and out.shape[1] == len(samples) != out.shape[2]:
            out = out.swapaxes(1, 2)  # SpeechBrain's order: (batch, samples, speakers)
        # Networks with a stride may drop or add part of a frame at the end; more than 5 % is another shape.
        if out.ndim != 3 or len(out) != 1 or abs(out.shape[2] - len(samples)) > max(64, len(samples) // 20):
            raise self._bad(f"returned shape {out.shape} for input of shape {(1, len(samples))}")
        if not np.isfinite(out).all():
            raise self._bad("returned values that are not finite")
        return np.stack([_fit(track, len(samples)) for track in out[0]])

    def _bad(self, what: str) -> PluginError:
        return PluginError(
            f"{self._called} {what}",
            reason="bad-model-output",
            hint="it must map float32 (batch, samples) to (batch, speakers, samples), for any number of samples",
        )


def _fit(track: Float32, samples: int) -> Float32:
    return np.pad(track[:samples], (0, max(0, samples - len(track))))
