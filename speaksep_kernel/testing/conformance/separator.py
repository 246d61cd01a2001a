"""What every separator must do (`speaksep_kernel.separation.protocol.Separator`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.separation.protocol import LocalTracks
from speaksep_kernel.testing.conformance.check import (
    Check,
    ensure,
    info_is_complete,
    level_db,
    rates_of,
    speech,
    unknown_options_are_refused,
)

Float32 = NDArray[np.float32]


def _mixture(rate_hz: int, seconds: float = 3.0) -> Float32:
    return speech(rate_hz, seconds) + speech(rate_hz, seconds, "librivox")


def _separate(cls: type[Any], options: dict[str, Any], windows: Float32, rate_hz: int) -> list[LocalTracks]:
    found: list[LocalTracks] = cls(**options).separate(windows, rate_hz)
    return found


def _first_rate(cls: type[Any]) -> int:
    return rates_of(cls.info)[0]


def tracks_fit_the_window(cls: type[Any], **options: Any) -> None:
    """At every rate and for any length: one result a window, (sources, samples) float32, as long as the window."""
    plugin = cls(**options)
    for rate_hz in rates_of(cls.info):
        for samples in (rate_hz // 2, rate_hz * 2 + 1):
            windows = np.stack([_mixture(rate_hz)[:samples]] * 2)
            found = plugin.separate(windows, rate_hz)
            ensure(len(found) == 2, f"{len(found)} results for 2 windows")
            for local in found:
                ensure(isinstance(local, LocalTracks), f"returned {type(local).__name__}, not LocalTracks")
                shape, dtype = np.shape(local.tracks), getattr(local.tracks, "dtype", None)
                ensure(dtype == np.float32, f"tracks are {dtype}, not float32")
                ensure(
                    len(shape) == 2 and shape[1] == samples, f"tracks are {shape} for {samples} samples at {rate_hz} Hz"
                )
                ensure(shape[0] >= 1, "no tracks")
                limit = cls.info.max_speakers
                ensure(limit == 0 or shape[0] <= limit, f"{shape[0]} tracks, but max_speakers is {limit}")
            ensure(len({local.tracks.shape for local in found}) == 1, "windows of one batch differ in number of tracks")


def activity_is_a_probability(cls: type[Any], **options: Any) -> None:
    """``activity`` is None, or (sources, frames) float32 in [0, 1]."""
    rate_hz = _first_rate(cls)
    for local in _separate(cls, options, _mixture(rate_hz)[None], rate_hz):
        if local.activity is None:
            continue
        shape = np.shape(local.activity)
        ensure(len(shape) == 2 and shape[0] == len(local.tracks) and shape[1] >= 1, f"activity is {shape}")
        low, high = float(local.activity.min()), float(local.activity.max())
        ensure(low >= 0 and high <= 1, f"activity reaches from {low:g} to {high:g}")


def everything_is_finite(cls: type[Any], **options: Any) -> None:
    """No NaN nor infinity, whatever comes in: speech, full scale, next to nothing."""
    rate_hz = _first_rate(cls)
    noise = np.random.default_rng(0).standard_normal(rate_hz * 2).astype(np.float32)
    for name, window in {
        "speech": _mixture(rate_hz, 2.0),
        "a full-scale square wave": np.sign(np.sin(np.arange(rate_hz * 2) * 0.05)).astype(np.float32),
        "noise at -120 dBFS": noise * np.float32(1e-6),
        "a single click": np.eye(1, rate_hz * 2, rate_hz, dtype=np.float32)[0],
    }.items():
        for local in _separate(cls, options, window[None], rate_hz):
            ensure(bool(np.isfinite(local.tracks).all()), f"tracks of {name} are not finite")


def silence_stays_silent(cls: type[Any], **options: Any) -> None:
    """Digital silence in, less than -80 dBFS out."""
    rate_hz = _first_rate(cls)
    for local in _separate(cls, options, np.zeros((1, rate_hz * 2), np.float32), rate_hz):
        peak = float(np.abs(local.tracks).max())
        ensure(peak < 1e-4, f"silence became a track with peak {peak:.2g}")


def level_is_kept(cls: type[Any], **options: Any) -> None:
    """Tracks are as loud as in the window: their sum within 6 dB of it, and 12 dB less in is 12 dB less out."""
    rate_hz = _first_rate(cls)
    window = _mixture(rate_hz)
    loud = _separate(cls, options, window[None], rate_hz)[0].tracks.sum(0)
    soft = _separate(cls, options, window[None] * np.float32(0.25), rate_hz)[0].tracks.sum(0)
    off = level_db(loud) - level_db(window)
    ensure(abs(off) < 6, f"the tracks together are {off:+.1f} dB from the window")
    step = level_db(loud) - level_db(soft)
    ensure(abs(step - 12.04) < 1, f"a window 12 dB softer gives tracks {step:.1f} dB softer")


def same_input_same_output(cls: type[Any], **options: Any) -> None:
    """Two fresh instances return the same bytes."""
    rate_hz = _first_rate(cls)
    first, second = (_separate(cls, options, _mixture(rate_hz)[None], rate_hz)[0].tracks for _ in range(2))
    ensure(first.tobytes() == second.tobytes(), "two runs differ")


def windows_do_not_meet(cls: type[Any], **options: Any) -> None:
    """A window's result does not depend on the others in its batch (to -50 dB), and the input is left as it was."""
    rate_hz = _first_rate(cls)
    windows = np.stack([_mixture(rate_hz), speech(rate_hz, 3.0, "june")])
    given = windows.copy()
    both = _separate(cls, options, windows, rate_hz)
    ensure(windows.tobytes() == given.tobytes(), "the input was changed in place")
    for k, window in enumerate(windows):
        alone = _separate(cls, options, window[None], rate_hz)[0].tracks
        off = level_db(alone - both[k].tracks) - level_db(window)
        ensure(off < -50, f"window {k} differs by {off:.0f} dB when it is in a batch")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    unknown_options_are_refused,
    tracks_fit_the_window,
    activity_is_a_probability,
    everything_is_finite,
    silence_stays_silent,
    level_is_kept,
    same_input_same_output,
    windows_do_not_meet,
)
