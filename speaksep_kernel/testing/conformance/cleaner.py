"""What every cleaner must do (`speaksep_kernel.separation.cleaning.Cleaner`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from speaksep_kernel.testing.conformance.check import (
    Check,
    Float32,
    ensure,
    info_is_complete,
    level_db,
    rates_of,
    speech,
    unknown_options_are_refused,
)


def _clean(cls: type[Any], options: dict[str, Any], samples: Float32, rate_hz: int) -> Float32:
    cleaned: Float32 = cls(**options).clean(samples, rate_hz)
    return cleaned


def length_is_kept(cls: type[Any], **options: Any) -> None:
    """As many samples out as in, float32, finite, at every rate."""
    for rate_hz in rates_of(cls.info):
        for samples in (1, rate_hz // 10, rate_hz * 2 + 1):
            cleaned = _clean(cls, options, speech(rate_hz, 2.1)[:samples], rate_hz)
            ensure(np.shape(cleaned) == (samples,), f"{samples} samples became {np.shape(cleaned)}")
            ensure(cleaned.dtype == np.float32, f"samples are {cleaned.dtype}, not float32")
            ensure(bool(np.isfinite(cleaned).all()), "samples are not finite")


def silence_stays_silent(cls: type[Any], **options: Any) -> None:
    """Digital silence in, less than -80 dBFS out."""
    rate_hz = rates_of(cls.info)[0]
    peak = float(np.abs(_clean(cls, options, np.zeros(rate_hz * 2, np.float32), rate_hz)).max())
    ensure(peak < 1e-4, f"silence became a peak of {peak:.2g}")


def clean_speech_is_left_alone(cls: type[Any], **options: Any) -> None:
    """Clean speech comes back in time and at its level: what is taken away lies at least 6 dB below it."""
    rate_hz = rates_of(cls.info)[0]
    samples = speech(rate_hz, 3.0)
    taken = level_db(samples - _clean(cls, options, samples, rate_hz)) - level_db(samples)
    ensure(taken < -6, f"what was taken from clean speech is at {taken:+.1f} dB of it")


def same_input_same_output(cls: type[Any], **options: Any) -> None:
    """Two fresh instances return the same bytes, and the input is left as it was."""
    rate_hz = rates_of(cls.info)[0]
    samples = speech(rate_hz, 2.0)
    given = samples.copy()
    first, second = (_clean(cls, options, samples, rate_hz) for _ in range(2))
    ensure(first.tobytes() == second.tobytes(), "two runs differ")
    ensure(samples.tobytes() == given.tobytes(), "the input was changed in place")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    unknown_options_are_refused,
    length_is_kept,
    silence_stays_silent,
    clean_speech_is_left_alone,
    same_input_same_output,
)
