"""Synthetic conversations out of real voices, with everything that is true about them known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.testing.voices import RATE_HZ, VOICES, voice
from speaksep_kernel.voices.rttm import rttm_text
from speaksep_kernel.voices.turns import Turn

Float32 = NDArray[np.float32]

SHORTEST_TURN_S = 1.0
FADE_S = 0.02


@dataclass(frozen=True)
class Conversation:
    """A recording of known content.

    Attributes
    ----------
    audio
        (samples,) float32, the mixture: exactly ``references.sum(0) + noise``, peak below 1.
    references
        (speakers, samples) float32: what each speaker says, in order of first appearance.
    noise
        (samples,) float32: what nobody says.
    rate_hz
        Sample rate of all of them.
    speakers
        Names of the voices, as in ``references``.
    turns
        Who speaks when, by start; speaker 1 is ``references[0]``.
    """

    audio: Float32
    references: Float32
    noise: Float32
    rate_hz: int
    speakers: tuple[str, ...]
    turns: tuple[Turn, ...]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / self.rate_hz

    @property
    def overlap_ratio(self) -> float:
        """Seconds in which two or more speak, per second of speech."""
        counts = _counts(self.turns, self.seconds)
        return float((counts > 1).sum() / max(1, (counts > 0).sum()))

    def rttm(self, uri: str = "conversation") -> str:
        """RTTM text of the turns, speakers under their voices' names."""
        return rttm_text(self.turns, uri, dict(enumerate(self.speakers, 1)))


def conversation(
    seconds: float = 30.0,
    speakers: int = 2,
    overlap: float = 0.15,
    seed: int = 0,
    *,
    rate_hz: int = RATE_HZ,
    noise_dbfs: float | None = -70.0,
    voices: tuple[str, ...] | Mapping[str, Sequence[Float32]] = VOICES,
) -> Conversation:
    """Make a conversation.

    Speakers take turns at random, never one twice in a row; a new turn starts before the last one ends as often
    and as early as the wanted overlap needs. Levels differ by up to 3 dB either way. The same arguments make the
    same samples.

    Parameters
    ----------
    seconds
        Length.
    speakers
        How many of ``voices`` speak, from the first; 0 makes noise alone (or digital silence).
    overlap
        Wanted seconds with two or more speakers per second of speech. Up to 0.6 it is met to a few percent in half a
        minute; 1 means that everybody speaks all the time.
    seed
        Seed of every choice.
    rate_hz
        Sample rate of the result. The voices hold nothing above 8 kHz.
    noise_dbfs
        RMS level of pink room noise; ``None`` for none at all.
    voices
        Names out of :data:`~speaksep_kernel.testing.voices.VOICES`, or other people's utterances (16 kHz, speech from
        end to end, at about the same level) by name.

    Raises
    ------
    ValueError
        More speakers than voices.

    Examples
    --------
    >>> talk = conversation(20, speakers=2, overlap=0.2, seed=3)
    >>> talk.references.shape, talk.speakers
    ((2, 320000), ('allison', 'librivox'))
    """
    names = tuple(voices)[:speakers]
    if not 0 <= speakers <= len(voices):
        raise ValueError(f"{speakers} speakers asked of {len(voices)} voices")
    rng = np.random.default_rng(seed)
    clips = [voices[name] if isinstance(voices, Mapping) else voice(name) for name in names]
    said, turns = _talk(clips, round(seconds * RATE_HZ), overlap, rng)
    # A short talk may end before everybody spoke: number by first appearance, the silent ones last.
    order = list(dict.fromkeys([turn.speaker for turn in turns] + list(range(speakers))))
    total = round(seconds * rate_hz)
    references = np.zeros((speakers, total), np.float32)
    for row, k in enumerate(order):
        resampled = soxr.resample(said[k], RATE_HZ, rate_hz)[:total]
        references[row, : len(resampled)] = resampled
    noise = np.zeros(total, np.float32)
    if noise_dbfs is not None:
        noise = _pink(total, rng) * np.float32(10 ** (noise_dbfs / 20))
    audio = references.sum(0) + noise
    gain = np.float32(min(1.0, 0.9 / max(float(np.abs(audio).max(initial=0.0)), 1e-9)))
    references, noise = references * gain, noise * gain
    return Conversation(
        audio=references.sum(0) + noise,
        references=references,
        noise=noise,
        rate_hz=rate_hz,
        speakers=tuple(names[k] for k in order),
        turns=_numbered(turns, order),
    )


def _talk(
    clips: Sequence[Sequence[Float32]], total: int, overlap: float, rng: np.random.Generator
) -> tuple[Float32, list[Turn]]:
    """What each says, (speakers, total) at 16 kHz, and the turns with speakers counted from 0."""
    said = np.zeros((len(clips), total), np.float32)
    gains = 10 ** (rng.uniform(-3, 3, len(clips)) / 20)
    decks: list[list[int]] = [[] for _ in clips]
    free = np.zeros(len(clips), np.int64)  # where each may speak again
    turns: list[Turn] = []
    end, last, length = int(0.3 * RATE_HZ), -1, 0
    while len(clips) > 0:
        others = [j for j in range(len(clips)) if j != last or len(clips) == 1]
        k = int(rng.choice([j for j in others if free[j] == 0] or others))
        start = end + int(rng.uniform(0.15, 0.9) * RATE_HZ)
        if overlap >= 1:  # nobody is ever alone: everybody speaks from the first sample to the last
            k = int(free.argmin())
            start = int(free[k])
        elif turns and _overlap(turns) < overlap:
            start = end - int(rng.uniform(0.3, 0.6 + 0.4 * overlap) * length * min(1.0, overlap + 0.25))
        start = max(start, int(free[k]))
        if not decks[k]:
            decks[k] = list(rng.permutation(len(clips[k])))
        clip = clips[k][decks[k].pop()]
        stop = min(total, start + len(clip))
        if stop - start < (SHORTEST_TURN_S if overlap < 1 else FADE_S) * RATE_HZ:
            break
        piece = clip[: stop - start] * np.float32(gains[k])
        fade = int(FADE_S * RATE_HZ)
        piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        said[k, start:stop] += piece
        turns.append(Turn(start / RATE_HZ, stop / RATE_HZ, k))
        free[k] = stop + (int(0.2 * RATE_HZ) if overlap < 1 else 0)
        end, last, length = max(end, stop), k, stop - start
    return said, turns


def _counts(turns: tuple[Turn, ...] | list[Turn], seconds: float) -> NDArray[np.int32]:
    """Number of speakers in each 10 ms."""
    counts = np.zeros(int(np.ceil(seconds * 100)), np.int32)
    for turn in turns:
        counts[round(turn.start_s * 100) : round(turn.end_s * 100)] += 1
    return counts


def _overlap(turns: list[Turn]) -> float:
    counts = _counts(turns, max(turn.end_s for turn in turns) + 0.01)
    return float((counts > 1).sum() / (counts > 0).sum())


def _numbered(turns: list[Turn], order: list[int]) -> tuple[Turn, ...]:
    ranked = sorted(turns)
    return tuple(
        Turn(
            turn.start_s,
            turn.end_s,
            order.index(turn.speaker) + 1,
            overlapped=any(o is not turn and o.start_s < turn.end_s and turn.start_s < o.end_s for o in ranked),
        )
        for turn in ranked
    )


def _pink(total: int, rng: np.random.Generator) -> Float32:
    """Pink noise, RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(total))
    # Flat below 20 Hz or so: the level should not sit in rumble that nobody hears.
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), max(1, len(spectrum) // 400)))
    noise = np.fft.irfft(spectrum, total)
    result: Float32 = (noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12)).astype(np.float32)
    return result
