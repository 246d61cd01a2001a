"""What every speaker encoder must do (`speaksep_kernel.voices.encoders.Encoder`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from speaksep_kernel.testing.conformance.check import (
    Check,
    Float32,
    ensure,
    info_is_complete,
    rates_of,
    speech,
    unknown_options_are_refused,
)


def _clips(rate_hz: int) -> list[Float32]:
    two = [speech(rate_hz, 9.0, name) for name in ("allison", "librivox")]
    return [part for clip in two for part in (clip[: 4 * rate_hz], clip[4 * rate_hz :])]


def _embed(cls: type[Any], options: dict[str, Any], clips: list[Float32], rate_hz: int) -> Float32:
    found: Float32 = cls(**options).embed(clips, rate_hz)
    return found


def embeddings_have_unit_length(cls: type[Any], **options: Any) -> None:
    """(clips, dim) float32 for clips of any lengths, each of length 1; none for no clips."""
    for rate_hz in rates_of(cls.info):
        found = _embed(cls, options, _clips(rate_hz), rate_hz)
        ensure(np.ndim(found) == 2 and len(found) == 4, f"4 clips gave shape {np.shape(found)}")
        ensure(found.dtype == np.float32, f"embeddings are {found.dtype}, not float32")
        lengths = np.linalg.norm(found, axis=1)
        ensure(bool(np.allclose(lengths, 1, atol=1e-3)), f"lengths are {lengths.round(3)}, not 1")
        ensure(len(_embed(cls, options, [], rate_hz)) == 0, "no clips gave embeddings")


def silence_has_no_voice(cls: type[Any], **options: Any) -> None:
    """Silence and a clip of one sample give a row of NaN, and spoil no other."""
    rate_hz = rates_of(cls.info)[0]
    clips = [np.zeros(rate_hz * 2, np.float32), _clips(rate_hz)[0], np.zeros(1, np.float32)]
    empty = np.isnan(_embed(cls, options, clips, rate_hz)).all(axis=1).tolist()
    ensure(empty == [True, False, True], f"rows of NaN for silence, speech, one sample: {empty}")


def voices_are_told_apart(cls: type[Any], **options: Any) -> None:
    """A woman and a man: each is nearer to itself than to the other."""
    rate_hz = rates_of(cls.info)[0]
    found = _embed(cls, options, _clips(rate_hz), rate_hz)
    near = found @ found.T
    same, other = min(near[0, 1], near[2, 3]), float(near[:2, 2:].max())
    ensure(same > other, f"similarity {same:.2f} within a voice, {other:.2f} between two")


def level_does_not_matter(cls: type[Any], **options: Any) -> None:
    """The same clip 20 dB softer is the same voice."""
    rate_hz = rates_of(cls.info)[0]
    clip = _clips(rate_hz)[0]
    found = _embed(cls, options, [clip, clip * np.float32(0.1)], rate_hz)
    ensure(float(found[0] @ found[1]) > 0.9, f"similarity to itself 20 dB softer is {float(found[0] @ found[1]):.2f}")


def same_input_same_output(cls: type[Any], **options: Any) -> None:
    """Two fresh instances return the same bytes."""
    rate_hz = rates_of(cls.info)[0]
    first, second = (_embed(cls, options, _clips(rate_hz)[:1], rate_hz) for _ in range(2))
    ensure(first.tobytes() == second.tobytes(), "two runs differ")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    unknown_options_are_refused,
    embeddings_have_unit_length,
    silence_has_no_voice,
    voices_are_told_apart,
    level_does_not_matter,
    same_input_same_output,
)
