"""What every cleaner must do (`speaksep_kernel.separation.cleaning.Cleaner`)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from speaksep_kernel.separation.cleaning import ChannelCleaner
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

CONTEXT_S = 3.0
"""Sound that the platform puts on either side of a piece."""


def _clean(cls: type[Any], options: dict[str, Any], samples: Float32, rate_hz: int) -> Float32:
    cleaner = cls(**options)
    if isinstance(cleaner, ChannelCleaner):
        cleaner.listen(samples, rate_hz)
    cleaned: Float32 = cleaner.clean(samples, rate_hz)
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


def level_is_followed(cls: type[Any], **options: Any) -> None:
    """Half as loud in, half as loud out: nothing is turned up or down."""
    rate_hz = rates_of(cls.info)[0]
    samples = speech(rate_hz, 3.0)
    loud, soft = (_clean(cls, options, samples * np.float32(gain), rate_hz) for gain in (1.0, 0.5))
    change = level_db(soft) - level_db(loud)
    ensure(abs(change + 6.02) < 1, f"half as loud in came out {change:+.1f} dB, not -6 dB")


def pieces_join(cls: type[Any], **options: Any) -> None:
    """A piece that begins later comes out the same after three seconds: what differs is 20 dB below the speech."""
    rate_hz = rates_of(cls.info)[0]
    samples = speech(rate_hz, 6.0)
    skipped, context = rate_hz, round(CONTEXT_S * rate_hz)
    whole = _clean(cls, options, samples, rate_hz)[skipped + context :]
    piece = _clean(cls, options, samples[skipped:], rate_hz)[context:]
    difference = level_db(whole - piece) - level_db(samples)
    ensure(difference < -20, f"two pieces differ where they meet, by {difference:+.1f} dB beside the speech")


def threads_do_not_matter(cls: type[Any], **options: Any) -> None:
    """One instance asked by two threads at once returns what it returns to one."""
    rate_hz = rates_of(cls.info)[0]
    parts = [speech(rate_hz, 4.0)[: 2 * rate_hz], speech(rate_hz, 4.0)[2 * rate_hz :]]
    cleaner = cls(**options)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda part: cleaner.clean(part, rate_hz), parts))
    alone = [cleaner.clean(part, rate_hz) for part in parts]
    same = all(one.tobytes() == other.tobytes() for one, other in zip(together, alone, strict=True))
    ensure(same, "what it returns depends on what else it cleans")


def what_it_learns_is_told(cls: type[Any], **options: Any) -> None:
    """A cleaner of channels listens without changing anything, and says in numbers what it goes by."""
    cleaner = cls(**options)
    if not isinstance(cleaner, ChannelCleaner):
        return
    rate_hz = rates_of(cls.info)[0]
    samples = speech(rate_hz, 2.0)
    given = samples.copy()
    cleaner.listen(samples, rate_hz)
    ensure(samples.tobytes() == given.tobytes(), "listening changed the samples")
    learned = json.loads(json.dumps(cleaner.learned()))
    ensure(all(isinstance(value, int | float) for value in learned.values()), f"what it learned is {learned}")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    unknown_options_are_refused,
    length_is_kept,
    silence_stays_silent,
    clean_speech_is_left_alone,
    same_input_same_output,
    level_is_followed,
    pieces_join,
    threads_do_not_matter,
    what_it_learns_is_told,
)
