"""Fixed validation mixtures: the same on every machine, of speakers never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.training.corpus import Corpus
from speaksep_kernel.training.rooms import PLACES
from speaksep_kernel.voices.streams import RATE_HZ

Float32 = NDArray[np.float32]
FADE_S = 0.02


@dataclass(frozen=True)
class Item:
    """One validation mixture.

    Attributes
    ----------
    mixture
        (samples,) float32 at 16 kHz.
    references
        (speakers, samples) float32, as they sound in the mixture (with the room, without the noise).
    speakers
        Who they are.
    """

    mixture: Float32
    references: Float32
    speakers: tuple[str, ...]


def fully_overlapped(
    corpus: Corpus,
    items: int,
    speakers: int,
    *,
    seed: int,
    seconds: float = 6.0,
    spread_db: float = 5.0,
    snr_db: tuple[float, float] | None = None,
    rooms: Float32 | None = None,
    choose: Callable[[np.random.Generator], list[int]] | None = None,
) -> list[Item]:
    """Mix ``speakers`` voices over each other from beginning to end.

    Parameters
    ----------
    spread_db
        The first speaker is the loudest; the others are 0 to ``spread_db`` below.
    snr_db
        Range of the speech-to-noise ratio (pink noise); None mixes no noise in.
    rooms
        Impulse responses, (rooms, places, samples): each mixture is placed in one of them.
    choose
        Draws the speakers' indices; any distinct ones by default.

    Raises
    ------
    InputError
        If too few speakers have ``seconds`` of speech.
    """
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE_HZ)
    long_enough = np.flatnonzero(corpus.length >= samples)
    if len(long_enough) < speakers:
        raise InputError(
            f"{len(long_enough)} speaker(s) have {seconds:g} s of speech for validation, not {speakers}",
            reason="too-few-speakers",
            hint="add speech",
        )
    result = []
    for index in range(items):
        who = choose(rng) if choose else list(rng.choice(long_enough, speakers, replace=False))
        references = np.stack([_excerpt(corpus.speech(one), samples, rng) for one in who])
        if rooms is not None:
            room = rooms[index % len(rooms)]
            references = np.stack([_fold(voice, room[place % PLACES]) for place, voice in enumerate(references)])
        gains_db = np.concatenate([[0.0], -rng.uniform(0, spread_db, len(who) - 1)])
        references *= (10 ** (gains_db / 20))[:, None]
        mixture = references.sum(0)
        if snr_db is not None:
            noise = pink_noise(samples, rng)
            mixture = mixture + noise * mixture.std() * 10 ** (-rng.uniform(*snr_db) / 20)
        level = np.float32(0.7 / max(np.abs(mixture).max(), np.abs(references).max()))
        result.append(
            Item(
                (mixture * level).astype(np.float32),
                (references * level).astype(np.float32),
                tuple(corpus.speakers[one] for one in who),
            )
        )
    return result


def sparse_conversation(corpus: Corpus, items: int, *, seed: int, seconds: float = 10.0) -> list[Item]:
    """Two people who take turns of about 2.5 s and begin 0.3 to 1.0 s before the other has finished."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE_HZ)
    moments = np.arange(samples) / RATE_HZ
    turns = round(seconds / 2.5)
    result = []
    for item in fully_overlapped(corpus, items, 2, seed=seed, seconds=seconds):
        on = np.zeros((2, samples))
        for turn in range(turns):
            first, last = (turn * seconds / turns - rng.uniform(0.3, 1.0), (turn + 1) * seconds / turns)
            on[turn % 2] += np.clip((moments - first) / FADE_S, 0, 1) * np.clip((last - moments) / FADE_S, 0, 1)
        references = (item.references * on).astype(np.float32)
        result.append(Item(references.sum(0), references, item.speakers))
    return result


def telephone(items: list[Item]) -> list[Item]:
    """The same through an 8 kHz line."""

    def narrow(signal: Float32) -> Float32:
        return np.asarray(soxr.resample(soxr.resample(signal.T, RATE_HZ, 8000), 8000, RATE_HZ).T, np.float32)

    return [Item(narrow(item.mixture), narrow(item.references), item.speakers) for item in items]


def nobody(items: int, *, seed: int, seconds: float = 6.0) -> list[Item]:
    """Pink noise at -60 dBFS and no speech."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE_HZ)
    silence = np.zeros((0, samples), np.float32)
    return [Item(pink_noise(samples, rng) * np.float32(1e-3), silence, ()) for _ in range(items)]


def training_sets(corpus: Corpus, rooms: Float32 | None, items: int = 40) -> dict[str, list[Item]]:
    """The sets a run is validated on; of a corpus of two speakers, those of two, of little speech, shorter ones.

    Raises
    ------
    InputError
        If fewer than two speakers have two seconds of speech.
    """
    seconds = max(2.0, min(6.0, float(np.sort(corpus.length)[-3:].min()) / RATE_HZ))
    noisy, fewer = (5.0, 15.0), -(-items * 3 // 5)
    sets = {"two": fully_overlapped(corpus, items, 2, seed=11, seconds=seconds)}
    if len(corpus.speakers) > 2:
        sets["three"] = fully_overlapped(corpus, fewer, 3, seed=12, seconds=seconds)
    sets["noisy"] = fully_overlapped(corpus, fewer, 2, seed=13, seconds=seconds, snr_db=noisy)
    if rooms is not None:
        sets["reverberant"] = fully_overlapped(corpus, fewer, 2, seed=14, seconds=seconds, snr_db=noisy, rooms=rooms)
    return sets


def pink_noise(samples: int, rng: np.random.Generator) -> Float32:
    """Noise falling by 3 dB an octave, of unit power."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), samples)
    return np.asarray(noise / noise.std(), np.float32)


def _excerpt(speech: Float32, samples: int, rng: np.random.Generator) -> Float32:
    first = int(rng.integers(len(speech) - samples + 1))
    excerpt = speech[first : first + samples]
    return np.asarray(excerpt / (np.sqrt(np.mean(excerpt**2)) + 1e-6) * 0.05, np.float32)


def _fold(voice: Float32, response: Float32) -> Float32:
    size = len(voice) + len(response)
    return np.asarray(
        np.fft.irfft(np.fft.rfft(voice, size) * np.fft.rfft(response, size), size)[: len(voice)], np.float32
    )
