"""Simulated conversations of one to eight people in rooms with noise; the same number makes the same samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyroomacoustics
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import maximum_filter1d
from scipy.signal import oaconvolve

from speaksep_kernel.training.corpus import Corpus
from speaksep_kernel.training.surroundings import surroundings
from speaksep_kernel.voices.turns import Turn

RATE_HZ = 16000
MOST = 8
"""Conversation number n has 1 + n % MOST people, so that every beginning of the list is balanced."""
SHORTEST_VOICE_S = 8.0
"""People of whom the corpus holds less are left out: they would say the same sentence over and over."""
SPEAKS_S = 6.0
"""Everybody speaks for this long at least; who says less need not be counted by anybody."""
FRAME = 160
PAUSE_S = 0.5
"""Pauses within a turn that the reference counts as speech at most."""
AUDIBLE_DB = -30.0
"""Speech, for the reference: a source's 10-ms frames within this of its own level. Below it lies the noise of the
corpus's own recordings, which nobody says."""

Float32 = NDArray[np.float32]
Said = list[tuple[int, int, int]]
"""Who, first and last sample."""


@dataclass(frozen=True)
class Simulated:
    """A conversation and the truth about it.

    Attributes
    ----------
    audio
        (samples,) float32 at 16 kHz.
    turns
        Who speaks when, measured on the dry sources; speakers numbered from 1.
    people
        How many there are.
    about
        Room, noise and level, in words.
    """

    audio: Float32
    turns: tuple[Turn, ...]
    people: int
    about: str


@dataclass(frozen=True)
class Conditions:
    """How a conversation is recorded.

    Attributes
    ----------
    t60_s, snr_db, level_db
        Ranges of the reverberation, of the speech above steady noise, and of the people's levels.
    pause_s
        Mean pause between turns.
    busy
        Whether there are sounds that nobody of the conversation makes (`speaksep_kernel.training.surroundings`).
    """

    t60_s: tuple[float, float] = (0.15, 0.6)
    snr_db: tuple[float, float] = (8.0, 35.0)
    level_db: tuple[float, float] = (-5.0, 5.0)
    pause_s: float = 0.5
    busy: bool = False


MEETING_ROOM = Conditions()
BUSY = Conditions(pause_s=1.0, busy=True)
FAR = Conditions(t60_s=(0.3, 1.0), snr_db=(0.0, 20.0), level_db=(-8.0, 8.0), pause_s=1.0, busy=True)
"""To train on: what a network hears in simulated meeting rooms alone, it takes every other sound for speech."""


def simulate(corpus: Corpus, number: int, *, seed: int = 0, conditions: Conditions = MEETING_ROOM) -> Simulated:
    """Conversation ``number`` of 60 to 180 s, eight in ten in a room."""
    rng = np.random.default_rng([seed, number])
    people = 1 + number % MOST
    seconds = float(np.clip(rng.uniform(12, 20) * people, 60, 180))
    dry = _dry(corpus, _cast(corpus, people, rng), seconds, rng, conditions.pause_s)
    made = _recorded(dry, _turns(dry), rng, conditions)
    return with_surroundings(made, corpus, rng) if conditions.busy else made


def with_silence(corpus: Corpus, number: int, *, silence_s: float = 600.0, seed: int = 1) -> Simulated:
    """Two or three people talk, nobody speaks for ``silence_s``, and the same people talk on."""
    rng = np.random.default_rng([seed, number])
    people = 2 + number % 2
    cast = _cast(corpus, people, rng)
    first, second = (_dry(corpus, cast, 60.0, rng, MEETING_ROOM.pause_s) for _ in range(2))
    dry = np.concatenate([first, np.zeros((people, int(silence_s * RATE_HZ)), np.float32), second], 1)
    return _recorded(dry, _turns(dry), rng, MEETING_ROOM)


def with_surroundings(made: Simulated, corpus: Corpus, rng: np.random.Generator) -> Simulated:
    """The same conversation among other sounds."""
    spoken = np.sqrt(np.mean(made.audio**2, dtype=np.float64))
    audio = made.audio + surroundings(corpus, len(made.audio), rng) * np.float32(spoken)
    audio *= np.abs(made.audio).max() / np.abs(audio).max()
    return replace(made, audio=audio, about=made.about + ", busy")


def _cast(corpus: Corpus, people: int, rng: np.random.Generator) -> list[int]:
    known = np.flatnonzero(corpus.length >= SHORTEST_VOICE_S * RATE_HZ)
    return [int(k) for k in rng.choice(known, people, replace=False)]


def _dry(corpus: Corpus, cast: list[int], seconds: float, rng: np.random.Generator, pause_s: float) -> Float32:
    """(people, samples) what each says at the lips; drawn again until everybody has spoken."""
    total = int(seconds * RATE_HZ)
    speech = [corpus.speech(k) for k in cast]
    while True:
        said = _script(len(cast), total, rng, pause_s)
        spoken = np.zeros(len(cast))
        for who, start, stop in said:
            spoken[who] += stop - start
        if spoken.min() >= SPEAKS_S * 1.3 * RATE_HZ:  # some of it is pauses
            break
    dry = np.zeros((len(cast), total), np.float32)
    place = [int(rng.integers(len(one))) for one in speech]
    fade = np.linspace(0, 1, 160, dtype=np.float32)
    for who, start, stop in said:
        piece = np.take(speech[who], np.arange(place[who], place[who] + stop - start), mode="wrap")
        piece[:160] *= fade
        piece[-160:] *= fade[::-1]
        dry[who, start:stop] += piece
        place[who] = (place[who] + stop - start) % len(speech[who])
    return dry


def _script(people: int, total: int, rng: np.random.Generator, pause_s: float) -> Said:
    """Turns of 1 to 12 s;
    one change in three comes early by 0.3 to 1.5 s, one turn in seven gets a short remark.

    Who has said little is likelier to speak next, so everybody comes to speak.
    """
    eager = rng.uniform(0.4, 1.0, people)
    said: Said = []
    spoken_s = np.zeros(people)
    free = np.zeros(people, np.int64)
    end_s, last = 0.3, -1
    while True:
        chance = np.where((np.arange(people) == last) & (people > 1), 0, eager / (10 + spoken_s))
        who = int(rng.choice(people, p=chance / chance.sum()))
        early = people > 1 and last >= 0 and rng.random() < 0.35
        start_s = end_s - rng.uniform(0.3, 1.5) if early else end_s + rng.exponential(pause_s)
        start = max(int(start_s * RATE_HZ), int(free[who]))
        stop = min(total, start + int(np.clip(rng.lognormal(1.2, 0.6), 1.0, 12.0) * RATE_HZ))
        if stop - start < 0.5 * RATE_HZ:
            return said
        said.append((who, start, stop))
        free[who] = stop + RATE_HZ // 5
        spoken_s[who] += (stop - start) / RATE_HZ
        end_s, last = max(end_s, stop / RATE_HZ), who
        listener = int(rng.integers(people))
        if listener != who and rng.random() < 0.15 and stop - start > 3 * RATE_HZ:
            at = int(rng.integers(start + RATE_HZ, stop - RATE_HZ))
            if at >= free[listener]:
                said.append((listener, at, at + int(rng.uniform(0.5, 1.0) * RATE_HZ)))
                free[listener] = said[-1][2] + RATE_HZ // 5


def _recorded(dry: Float32, turns: tuple[Turn, ...], rng: np.random.Generator, conditions: Conditions) -> Simulated:
    """What the microphone hears."""
    people, total = dry.shape
    gain = 10 ** (rng.uniform(*conditions.level_db, (people, 1)) / 20)
    about = "close"
    if rng.random() < 0.8:
        responses, about = _room(people, rng, conditions)
        dry = np.stack([oaconvolve(one, h)[:total] for one, h in zip(dry, responses, strict=True)])
    mixture = (dry * gain).sum(0)
    spectrum = rfft(rng.standard_normal(next_fast_len(total, real=True)))
    slope = rng.uniform(0.0, 1.0)  # white to brown
    spectrum /= np.maximum(np.arange(len(spectrum)), len(spectrum) // 200) ** slope
    noise = irfft(spectrum)[:total]
    snr_db = rng.uniform(*conditions.snr_db)
    spoken = np.sqrt(np.mean(mixture[mixture != 0] ** 2)) if people else 1.0
    audio = mixture + noise * (spoken / noise.std() * 10 ** (-snr_db / 20))
    audio *= 0.5 / np.abs(audio).max() * 10 ** (rng.uniform(-20, 0) / 20)
    return Simulated(audio.astype(np.float32), turns, people, f"{about}, {snr_db:.0f} dB above noise")


def _room(people: int, rng: np.random.Generator, conditions: Conditions) -> tuple[list[Float32], str]:
    """Impulse responses of unit energy, starting with the direct sound."""
    while True:
        size, t60_s = rng.uniform([3.0, 3.0, 2.4], [8.0, 7.0, 3.5]), float(rng.uniform(*conditions.t60_s))
        places = rng.uniform(0.4, size - 0.4, (people + 1, 3))
        try:
            absorption, order = pyroomacoustics.inverse_sabine(t60_s, size)
        except ValueError:  # too large to be this dry
            continue
        if np.linalg.norm(places[1:] - places[0], axis=1).min() >= 0.4:
            break
    room = pyroomacoustics.ShoeBox(
        size, fs=RATE_HZ, materials=pyroomacoustics.Material(absorption), max_order=min(order, 17)
    )
    room.add_microphone(places[0])
    for place in places[1:]:
        room.add_source(place)
    room.compute_rir()
    responses = []
    for response in room.rir[0]:
        direct = max(0, int(np.argmax(np.abs(response))) - 16)
        cut = np.asarray(response[direct : direct + RATE_HZ], np.float32)
        responses.append(cut / np.sqrt(np.sum(cut**2)))
    return responses, f"T60 {t60_s:.2f} s"


def _turns(dry: Float32) -> tuple[Turn, ...]:
    turns = []
    for k, one in enumerate(dry, 1):
        power = np.mean(one[: len(one) // FRAME * FRAME].reshape(-1, FRAME) ** 2, 1)
        audible = power > power[power > 0].mean() * 10 ** (AUDIBLE_DB / 10)
        # Short pauses are closed: widened by half a pause either way, and narrowed again.
        half = int(PAUSE_S * RATE_HZ / FRAME / 2)
        closed = ~maximum_filter1d(~maximum_filter1d(np.pad(audible, half), 2 * half + 1), 2 * half + 1)
        edges = np.flatnonzero(np.diff(closed[half:-half], prepend=False, append=False)).reshape(-1, 2) * FRAME
        turns += [Turn(a / RATE_HZ, b / RATE_HZ, k) for a, b in edges.tolist()]
    return tuple(sorted(turns))
