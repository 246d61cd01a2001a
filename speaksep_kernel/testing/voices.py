"""Five real voices, a few utterances each, for tests and examples (sources and licences: ``clips/LICENCE.md``)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

RATE_HZ = 16000
"""Sample rate of the clips."""

CLIPS = Path(__file__).with_name("clips")
"""Folder of the clips: ``NAME_NUMBER.opus``."""

VOICES = ("allison", "librivox", "june", "carlo", "ivrvoice")
"""Names of the speakers, unlike ones first: English woman, English man, French woman, Italian man, Russian woman."""


@cache
def voice(name: str) -> tuple[Float32, ...]:
    """Utterances of one speaker.

    Parameters
    ----------
    name
        One of :data:`VOICES`.

    Returns
    -------
    tuple of (samples,) float32
        Utterances of 3 to 8 s at 16 kHz, all speech at about -24 dBFS. Read-only, because they are shared.

    Raises
    ------
    KeyError
        There is no such voice.

    Examples
    --------
    >>> utterances = voice("carlo")
    >>> len(utterances), utterances[0].dtype
    (9, dtype('float32'))
    """
    if name not in VOICES:
        raise KeyError(f"no voice {name!r}; there are {', '.join(VOICES)}")
    clips = sorted(CLIPS.glob(f"{name}_*.opus"))
    return tuple(_read(clip) for clip in clips)


def voices() -> dict[str, tuple[Float32, ...]]:
    """Every voice with its utterances, see :func:`voice`."""
    return {name: voice(name) for name in VOICES}


def _read(clip: Path) -> Float32:
    samples: Float32 = soundfile.read(clip, dtype="float32")[0]
    samples.flags.writeable = False
    return samples
