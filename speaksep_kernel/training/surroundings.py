"""Sounds that are nobody's speech: people far away, things that fall and rustle, something that plays notes.

Made from the corpus and from nothing else; levels are relative to the speech, whose RMS is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from speaksep_kernel.training.corpus import Corpus
from speaksep_kernel.voices.streams import RATE_HZ

Float32 = NDArray[np.float32]

CROWD_SHARE, NOTES_SHARE = 0.6, 0.3
"""How often people are heard far away, and notes."""


def surroundings(corpus: Corpus, samples: int, rng: np.random.Generator) -> Float32:
    """(samples,) of thumps and rustling, and now and then a crowd or notes, each of them coming and going."""
    sound = thumps(samples, rng)
    if rng.random() < CROWD_SHARE:
        sound += crowd(corpus, samples, rng) * _come_and_go(samples, rng) * _gain(rng, -28, -12)
    if rng.random() < NOTES_SHARE:
        sound += notes(samples, rng) * _come_and_go(samples, rng) * _gain(rng, -28, -8)
    return sound


def crowd(corpus: Corpus, samples: int, rng: np.random.Generator) -> Float32:
    """(samples,) of three to eight people whose words are lost in reverberation, at RMS 1."""
    voices = np.zeros(samples, np.float32)
    for who in rng.integers(len(corpus.start), size=int(rng.integers(3, 9))):
        speech = corpus.speech(int(who))
        first = int(rng.integers(len(speech)))
        voices += np.take(speech, np.arange(first, first + samples), mode="wrap")
    tail_s = rng.uniform(0.8, 2.0)
    time_s = np.arange(int(tail_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / tail_s)
    far = oaconvolve(voices, tail.astype(np.float32))[:samples]
    return _at_one(far[:: rng.choice([-1, 1])])


def thumps(samples: int, rng: np.random.Generator) -> Float32:
    """(samples,) of bursts of coloured noise, 10 ms to 1 s long, up to 6 dB above the speech, one in 2 to 20 s."""
    sound = np.zeros(samples, np.float32)
    at = 0
    every_s = rng.uniform(2, 20)
    while (at := at + int(rng.exponential(every_s) * RATE_HZ)) < samples:
        size = min(samples - at, int(10 ** rng.uniform(-2, 0) * RATE_HZ))
        low_hz = 10 ** rng.uniform(1.7, 3.4)
        band = butter(1, [low_hz, min(7900.0, low_hz * rng.uniform(1.5, 8))], "bandpass", fs=RATE_HZ, output="sos")
        burst = _at_one(sosfilt(band, rng.standard_normal(size)))
        burst *= np.exp(-np.arange(size) / size * rng.uniform(0, 5)).astype(np.float32)
        sound[at : at + size] += burst * _gain(rng, -20, 6)
    return sound


def notes(samples: int, rng: np.random.Generator) -> Float32:
    """(samples,) of harmonic tones of 0.1 to 2 s, one after the other, at RMS 1."""
    sound = np.zeros(samples, np.float32)
    at = 0
    while at < samples:
        size = min(samples - at, int(rng.uniform(0.1, 2) * RATE_HZ))
        pitch_hz = 110 * 2 ** (rng.integers(0, 36) / 12)
        phase = 2 * np.pi * pitch_hz * np.arange(size) / RATE_HZ
        count = int(min(10, 7900 // pitch_hz))
        tone = sum(np.sin((k + 1) * phase) / (k + 1) ** rng.uniform(0.5, 2) for k in range(count))
        sound[at : at + size] += (tone * np.exp(-np.arange(size) / size * rng.uniform(0, 4))).astype(np.float32)
        at += size
    return _at_one(sound)


def _come_and_go(samples: int, rng: np.random.Generator) -> Float32:
    """(samples,) a gain between 0 and 1 that changes over seconds."""
    marks = np.arange(0, samples + 5 * RATE_HZ, 5 * RATE_HZ)
    return np.interp(np.arange(samples), marks, rng.uniform(0, 1, len(marks)).round()).astype(np.float32)


def _gain(rng: np.random.Generator, low_db: float, high_db: float) -> np.float32:
    return np.float32(10 ** (rng.uniform(low_db, high_db) / 20))


def _at_one(sound: NDArray[np.floating]) -> Float32:
    return np.asarray(sound / max(float(np.sqrt(np.mean(np.square(sound)))), 1e-9), np.float32)
