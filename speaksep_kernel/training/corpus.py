"""Speech to train on: every speaker's utterances end to end in one 16-bit array."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.streams import RATE_HZ

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})
SHORTEST_SPEAKER_S = 4.0
UTTERANCE_RMS = 0.05

Int16 = NDArray[np.int16]
Utterance = tuple[str, Int16]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Corpus:
    """Speech of many speakers, ready to be mixed.

    Attributes
    ----------
    samples
        (n,) int16 at 16 kHz, every utterance at the same level.
    start, length
        (speakers,) int64: where each speaker's speech lies in ``samples``.
    speakers
        Names, in the order of ``start``.
    """

    samples: Int16
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    speakers: tuple[str, ...]

    @property
    def hours(self) -> float:
        """Hours of speech."""
        return len(self.samples) / RATE_HZ / 3600

    def speech(self, speaker: int) -> NDArray[np.float32]:
        """All speech of one speaker, (n,) float32."""
        first = int(self.start[speaker])
        speech = self.samples[first : first + int(self.length[speaker])]
        return np.asarray(speech / np.float32(32768), dtype=np.float32)

    def held_out(self, share: float) -> tuple[Corpus, Corpus]:
        """Part every speaker's speech: what comes before the last ``share`` of it, and that."""
        kept = (self.length * (1 - share)).astype(np.int64)
        return self._cut(self.start, kept), self._cut(self.start + kept, self.length - kept)

    def _cut(self, start: NDArray[np.int64], length: NDArray[np.int64]) -> Corpus:
        pieces = [self.samples[first : first + count] for first, count in zip(start, length, strict=True)]
        return Corpus(np.concatenate(pieces), np.cumsum(length) - length, length, self.speakers)


def read_corpus(folder: Path, *, processes: int = 1) -> tuple[Corpus, Corpus]:
    """Read a corpus to train on and one to validate on.

    Parameters
    ----------
    folder
        Tar shards with ``manifest.csv``, whose splits "train" and "valid" are taken, or one sub-folder of audio
        files per speaker. Of those, the last fifth of every speaker's speech is for validation: its scores then say
        how well *these* voices are parted, not strangers'.
    processes
        How many decode side by side.
    """
    if (folder / "manifest.csv").is_file():
        return read_shards(folder, "train", processes=processes), read_shards(folder, "valid", processes=processes)
    return read_speaker_folders(folder, processes=processes).held_out(0.2)


def from_voices(voices: Mapping[str, Iterable[NDArray[np.float32]]]) -> Corpus:
    """Make a corpus of utterances in memory, (samples,) each at 16 kHz, by speaker."""
    utterances = [(who, _level(one, who)) for who, several in voices.items() for one in several]
    return _gather([utterances], "the voices given")


def read_shards(folder: Path, split: str, *, processes: int = 1) -> Corpus:
    """Read a folder of tar shards described by ``manifest.csv`` (columns shard, member, speaker, seconds, split).

    Raises
    ------
    InputError
        If there is no manifest, the split is empty, or a member cannot be decoded.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise InputError(f"no manifest.csv in {folder}", reason="no-corpus", hint="name a corpus folder")
    with manifest.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if lacking := {"shard", "member", "speaker", "split"}.difference(reader.fieldnames or ()):
            raise InputError(
                f"{manifest} has no column {min(lacking)!r}", reason="bad-corpus", hint="see docs/training.md"
            )
        rows = [row for row in reader if row["split"] == split]
    wanted: dict[str, dict[str, str]] = {}
    for row in rows:
        wanted.setdefault(row["shard"], {})[row["member"]] = row["speaker"]
    parts = [
        (folder / shard, dict(list(members.items())[first::processes]))
        for shard, members in sorted(wanted.items())
        for first in range(processes)
    ]
    return _gather(_decode_all(_read_shard, parts, processes), f"split {split!r} of {folder}")


def read_speaker_folders(folder: Path, *, processes: int = 1) -> Corpus:
    """Read a folder that holds one sub-folder of audio files per speaker (to fine-tune on your own voices).

    Raises
    ------
    InputError
        If fewer than two speakers have enough speech, or a file cannot be decoded.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", reason="no-corpus", hint="name a folder of speaker sub-folders")
    parts = [(path.name, path) for path in sorted(folder.iterdir()) if path.is_dir()]
    return _gather(_decode_all(_read_speaker, parts, processes), str(folder))


def _decode_all(
    read: Callable[[Part], list[Utterance]], parts: Sequence[Part], processes: int
) -> Iterator[list[Utterance]]:
    if processes == 1:
        yield from map(read, parts)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(read, parts)


def _read_shard(part: tuple[Path, dict[str, str]]) -> list[Utterance]:
    shard, speaker_of = part
    utterances = []
    missing = set(speaker_of)
    try:
        with tarfile.open(shard) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name in speaker_of else None
                if content is not None:
                    missing.discard(member.name)
                    utterances.append((speaker_of[member.name], _decode(io.BytesIO(content.read()), member.name)))
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"cannot read {shard}: {error}", reason="bad-corpus", hint="copy it again") from error
    if missing:
        raise InputError(
            f"{shard} lacks {min(missing)} and {len(missing) - 1} more of its manifest",
            reason="bad-corpus",
            hint="copy it again",
        )
    return utterances


def _read_speaker(part: tuple[str, Path]) -> list[Utterance]:
    name, folder = part
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return [(name, _decode(path, str(path))) for path in files]


def _decode(source: Path | BinaryIO, name: str) -> Int16:
    try:
        samples, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"cannot decode {name}: {error}", reason="bad-audio", hint="remove or repair it") from error
    mono = samples.mean(1)
    return _level(mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ), name)


def _level(mono: NDArray[np.float32], name: str) -> Int16:
    """Bring an utterance to `UTTERANCE_RMS`."""
    if not len(mono):
        raise InputError(f"{name} is empty", reason="bad-audio", hint="remove it")
    if not np.isfinite(mono).all():
        raise InputError(f"{name} holds NaN or infinite samples", reason="bad-audio", hint="remove or repair it")
    gain = UTTERANCE_RMS / max(float(np.sqrt(np.mean(mono**2))), 1e-6)
    return np.clip(np.round(mono * (gain * 32768)), -32768, 32767).astype(np.int16)


def _gather(parts: Iterable[list[Utterance]], name: str) -> Corpus:
    by_speaker: dict[str, list[Int16]] = {}
    for utterances in parts:
        for speaker, samples in utterances:
            by_speaker.setdefault(speaker, []).append(samples)
    speech = {who: np.concatenate(by_speaker[who]) for who in sorted(by_speaker)}
    speech = {who: samples for who, samples in speech.items() if len(samples) >= SHORTEST_SPEAKER_S * RATE_HZ}
    if len(speech) < 2:
        raise InputError(
            f"{name} has {len(speech)} speaker(s) with {SHORTEST_SPEAKER_S:g} s of speech or more",
            reason="too-few-speakers",
            hint="mixing needs two or more",
        )
    length = np.array([len(samples) for samples in speech.values()], np.int64)
    start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
    return Corpus(np.concatenate(list(speech.values())), start, length, tuple(speech))
