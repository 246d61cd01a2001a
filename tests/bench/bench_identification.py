"""Open-set identification: who of many enrolled voices is named, rightly or wrongly, and which strangers are.

Speakers are parted once for all by name: the cohort of strangers is fitted to the first part, the threshold is chosen
on the second, and what is reported comes from the third, which neither has seen: the validation speakers and others.

usage: python tests/bench/bench_identification.py SPEECH_DIR [--cache FILE] [--tune] [--cohort FILE]

SPEECH_DIR is a corpus folder, see docs/training.md. ``--cache`` keeps the embeddings (minutes to make), ``--tune``
reports the speakers on which the threshold was chosen, ``--cohort`` writes the cohort that is shipped, and stops.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf
import soxr
from numpy.typing import NDArray

from speaksep_kernel.training.corpus import Corpus, read_shards
from speaksep_kernel.voices.encoders import CamPlusPlus
from speaksep_kernel.voices.identification import THRESHOLD, scores
from speaksep_kernel.voices.telephone import by_telephone

RATE_HZ = 16000
ENROL_S, PIECE_S, SHORT_S = 8, 4, 1.5
TEST_SPEAKERS, TUNE_SPEAKERS, COHORT_SPEAKERS = 62, 50, 120
"""Of the training speakers; the others take no part."""
COHORT_VOICES = 100
"""Of each half of the cohort, clean and by telephone."""
BOOKS = 200
SIZES = (5, 20, 60)
BATCH = 64

Float32 = NDArray[np.float32]
Strings = NDArray[np.str_]


def noisy(clip: Float32, snr_db: float = 10) -> Float32:
    """Low-pass noise, as of a ventilator."""
    noise = scipy.signal.lfilter([1], [1, -0.9], np.random.default_rng(len(clip)).standard_normal(len(clip)))
    gain = np.sqrt((clip**2).mean() / (noise**2).mean()) * 10 ** (-snr_db / 20)
    return np.asarray(clip + gain * noise, np.float32)


def by_mobile(clip: Float32) -> Float32:
    """A telephone that no voice was enrolled by: GSM 06.10 full rate, 8 kHz."""
    file = io.BytesIO()
    narrow = soxr.resample(clip, RATE_HZ, 8000)
    sf.write(file, 0.7 * narrow / np.abs(narrow).max(), 8000, format="WAV", subtype="GSM610")
    file.seek(0)
    return np.asarray(soxr.resample(sf.read(file, dtype="float32")[0], 8000, RATE_HZ), np.float32)


def with_a_cold(clip: Float32) -> Float32:
    """Imitated: a semitone lower, a nasal zero at 1 kHz, dull above 2.5 kHz."""
    lower = soxr.resample(clip, RATE_HZ, RATE_HZ * 2 ** (1 / 12))
    nasal = scipy.signal.lfilter(*scipy.signal.iirnotch(1000, 1.5, fs=RATE_HZ), lower)
    return np.asarray(scipy.signal.lfilter(*scipy.signal.butter(1, 2500, fs=RATE_HZ), nasal), np.float32)


TRIALS: dict[str, Callable[[Float32], Float32]] = {
    "clean": lambda clip: clip,
    "short": lambda clip: clip[: round(SHORT_S * RATE_HZ)],
    "noise": noisy,
    "cold": with_a_cold,
    "telephone": by_telephone,
    "mobile": by_mobile,
}


@dataclass(frozen=True)
class Vectors:
    """What the encoder says: (n, 192) unit vectors, whose they are, what of, and in which part of the speakers."""

    vector: Float32
    speaker: Strings
    kind: Strings
    part: Strings

    def of(self, part: str, kind: str) -> tuple[Float32, Strings]:
        """Vectors and speakers of one kind in one part."""
        chosen = (self.part == part) & (self.kind == kind)
        return self.vector[chosen], self.speaker[chosen]


def part_of(speakers: tuple[str, ...]) -> dict[str, str]:
    """Training speakers by part, in an order that has to do with nothing."""
    order = sorted(speakers, key=lambda name: sha256(name.encode()).hexdigest())
    parts = ["test"] * TEST_SPEAKERS + ["tune"] * TUNE_SPEAKERS + ["cohort"] * COHORT_SPEAKERS
    return dict(zip(order, parts, strict=False))


def clips(corpus: Corpus, parts: dict[str, str]) -> list[tuple[Float32, str, str, str]]:
    """Enrolment from the first half of everybody's speech, trials from the second."""
    made: list[tuple[Float32, str, str, str]] = []
    for who, part in parts.items():
        speech = corpus.speech(corpus.speakers.index(who))
        half = min(len(speech) // 2, ENROL_S * RATE_HZ)
        made.append((speech[:half], who, "enrolled", part))
        made.append((by_telephone(speech[:half]), who, "enrolled by telephone", part))
        piece = speech[half : half + PIECE_S * RATE_HZ]
        trials = {} if part == "cohort" else TRIALS
        made += [(change(piece), who, kind, part) for kind, change in trials.items()]
    return made


def embedded(folder: Path) -> Vectors:
    """Embed the corpus."""
    train, valid = read_shards(folder, "train"), read_shards(folder, "valid")
    made = clips(valid, dict.fromkeys(valid.speakers, "test")) + clips(train, part_of(train.speakers))
    encoder = CamPlusPlus()
    vectors = []
    for first in range(0, len(made), BATCH):
        vectors.append(encoder.embed([clip for clip, *_ in made[first : first + BATCH]]))
        print(f"\rembedded {first}/{len(made)}", end="", file=sys.stderr, flush=True)
    speaker, kind, part = (np.array([each[field] for each in made]) for field in (1, 2, 3))
    return Vectors(np.concatenate(vectors), speaker, kind, part)


def equal_error(same: Float32, different: Float32) -> float:
    """Percent at the threshold where as many of one's own are rejected as others accepted."""
    thresholds = np.sort(np.concatenate([same, different]))
    rejected = np.searchsorted(np.sort(same), thresholds) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds) / len(different)
    at = int(np.abs(rejected - accepted).argmin())
    return float(50 * (rejected[at] + accepted[at]))


def scored(trial: Float32, clean: Float32, narrow: Float32) -> Float32:
    """As `identify_voices` scores."""
    return np.maximum(scores(trial, clean), scores(trial, narrow))


def pairs(vectors: Vectors, part: str, threshold: float) -> None:
    """Every trial against everybody enrolled."""
    print(f"\n{part}: every trial against every voice\n")
    print("| trial | pairs same / different | EER | EER of the cosine | own accepted | others accepted |")
    print("|---|---|---|---|---|---|")
    book, names = vectors.of(part, "enrolled")
    narrow, _ = vectors.of(part, "enrolled by telephone")
    for kind in TRIALS:
        trial, speaker = vectors.of(part, kind)
        same = speaker[:, None] == names
        cosine, score = trial @ book.T, scored(trial, book, narrow)
        errors = [f"{equal_error(each[same], each[~same]):.2f} %" for each in (score, cosine)]
        accepted = [f"{100 * (score[which] >= threshold).mean():.3g} %" for which in (same, ~same)]
        print(f"| {kind} | {same.sum()} / {(~same).sum()} | {' | '.join(errors + accepted)} |")


def books(vectors: Vectors, part: str, threshold: float) -> None:
    """Books of some of the speakers, drawn at random; the rest are strangers."""
    print(f"\n{part}: at {threshold}, {BOOKS} random books\n")
    print("| trial | book of | known voices named | named wrongly | strangers named |")
    print("|---|---|---|---|---|")
    book, names = vectors.of(part, "enrolled")
    narrow, _ = vectors.of(part, "enrolled by telephone")
    for kind in TRIALS:
        trial, speaker = vectors.of(part, kind)
        score = scored(trial, book, narrow)
        for size in [size for size in SIZES if size < len(names)]:
            named = np.array([_named(score, speaker, names, size, seed, threshold) for seed in range(BOOKS)])
            right, wrong, strangers = 100 * named.mean(0)
            print(f"| {kind} | {size} | {right:.1f} % | {wrong:.1f} % | {strangers:.2f} % |")


def _named(
    score: Float32, speaker: Strings, names: Strings, size: int, seed: int, threshold: float
) -> tuple[float, float, float]:
    """Shares of known voices named rightly and wrongly, and of strangers named, with one random book."""
    book = np.random.default_rng(seed).permutation(len(names))[:size]
    known = np.isin(speaker, names[book])
    best = names[book][score[:, book].argmax(1)]
    accepted = score[:, book].max(1) >= threshold
    right, wrong = accepted & (best == speaker), accepted & (best != speaker)
    return float(right[known].mean()), float(wrong[known].mean()), float(accepted[~known].mean())


def cohort(vectors: Vectors) -> NDArray[np.float16]:
    """Voices that nobody has, drawn from normal distributions like the cohort's speakers, clean and by telephone."""
    rng = np.random.default_rng(1)
    clean, narrow = vectors.of("cohort", "enrolled")[0], vectors.of("cohort", "enrolled by telephone")[0]
    spread = np.cov(clean.T) + 1e-6 * np.eye(clean.shape[1])
    made = np.concatenate(
        [
            rng.multivariate_normal(clean.mean(0), spread, COHORT_VOICES),
            # Half as clean voices scatter: by telephone all sound alike, and a cohort of such rejects everybody.
            rng.multivariate_normal(narrow.mean(0), (spread + np.cov(narrow.T)) / 2, COHORT_VOICES),
        ]
    )
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float16)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("speech", type=Path)
    options.add_argument("--cache", type=Path)
    options.add_argument("--tune", action="store_true")
    options.add_argument("--cohort", type=Path)
    options.add_argument("--threshold", type=float, default=THRESHOLD)
    chosen = options.parse_args()
    if chosen.cache and chosen.cache.is_file():
        with np.load(chosen.cache) as kept:
            vectors = Vectors(**kept)
    else:
        vectors = embedded(chosen.speech)
        if chosen.cache:
            np.savez(chosen.cache, **asdict(vectors))
    if chosen.cohort:
        np.save(chosen.cohort, cohort(vectors))
        return 0
    for part in ("tune", "test") if chosen.tune else ("test",):
        pairs(vectors, part, chosen.threshold)
        books(vectors, part, chosen.threshold)
    return 0


if __name__ == "__main__":
    sys.exit(main())
