"""Fit the blind measure of reverberation: ``python -m speaksep_kernel.training.reverberation CORPUS -o FILE``.

Speech of the training speakers is played in simulated rooms, of which half are traced and half noise that falls
exponentially, with noise 15 to 60 dB below; a small regression learns T60 and C50 from how it dies away.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from safetensors.numpy import save_file

from speaksep_kernel.diagnosis.decays import Decays
from speaksep_kernel.testing.damage import noise
from speaksep_kernel.training.corpus import Corpus, read_corpus
from speaksep_kernel.training.reverberant_rooms import noise_tail, room_truth, shoebox
from speaksep_kernel.voices.streams import RATE_HZ

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

DRY_SHARE = 0.04
DRY_T60_S, DRY_C50_DB = 0.1, 40.0
SNR_DB = (15.0, 60.0)
SECONDS = (15.0, 60.0)
LEVEL = np.float32(0.05)
HIDDEN, MEMBERS = 24, 6
"""Size of each little network, and how many of them are averaged."""


def main() -> None:
    """Make examples, fit, save."""
    parser = argparse.ArgumentParser(prog="python -m speaksep_kernel.training.reverberation", description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder of speech, as for training the network")
    parser.add_argument("-o", "--out", type=Path, required=True, help="file of numbers to write (.safetensors)")
    parser.add_argument("--examples", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    corpus, _ = read_corpus(given.corpus)
    examples = [example(corpus, given.seed * 100_000 + index) for index in range(given.examples)]
    features = np.array([one for one, _, _ in examples])
    truth = np.array([(t60_s, c50_db) for _, t60_s, c50_db in examples])
    save_file(fit(features, truth), given.out)


def example(corpus: Corpus, seed: int) -> tuple[Float64, float, float]:
    """Statistics of one reverberant talk, with its T60 in seconds and C50 in dB."""
    rng = np.random.default_rng(seed)
    response, t60_s, c50_db = np.ones(1, np.float32), DRY_T60_S, DRY_C50_DB
    if rng.random() >= DRY_SHARE:
        response = shoebox(seed, places=1)[0] if seed % 2 else noise_tail(seed)
        t60_s, c50_db = room_truth(response)
    speech = talk(corpus, rng, float(rng.uniform(*SECONDS)))
    audio = played(speech, response, float(rng.uniform(*SNR_DB)), seed)
    decays = Decays(RATE_HZ)
    decays.feed(audio)
    decays.feed(audio[:0], last=True)
    return decays.features, t60_s, c50_db


def talk(corpus: Corpus, rng: np.random.Generator, seconds: float) -> Float32:
    """(samples,) of one to three speakers taking turns, with gaps and a little overlap."""
    audio = np.zeros(int(seconds * RATE_HZ), np.float32)
    people = [corpus.speech(int(who)) for who in rng.choice(len(corpus.start), int(rng.integers(1, 4)))]
    at = int(rng.uniform(0, 0.5) * RATE_HZ)
    while at < len(audio):
        speech = people[int(rng.integers(len(people)))]
        length = int(rng.uniform(1.5, 7) * RATE_HZ)
        first = int(rng.integers(0, max(1, len(speech) - length)))
        piece = speech[first : first + length][: len(audio) - at].copy()
        fade = min(RATE_HZ // 20, len(piece))
        piece[len(piece) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        audio[at : at + len(piece)] += piece * np.float32(10 ** (rng.uniform(-4, 4) / 20))
        gap_s = rng.uniform(-0.3, 0.1) if rng.random() < 0.5 else rng.uniform(0.1, 1.2)
        at = max(0, at + len(piece) + int(gap_s * RATE_HZ))
    return audio


def played(speech: Float32, response: Float32, snr_db: float, seed: int) -> Float32:
    """(samples,) of speech in a room, at -26 dBFS, with noise of a level below it."""
    wet = scipy.signal.oaconvolve(speech, response)[: len(speech)]
    wet *= LEVEL / np.sqrt(np.mean(np.square(wet)))
    hiss = noise(len(speech), RATE_HZ, "pink" if seed % 3 else "white", seed)
    return np.asarray(wet + hiss * (LEVEL * 10 ** (-snr_db / 20)), np.float32)


def fit(features: Float64, truth: Float64, seed: int = 0) -> dict[str, Float32]:
    """Numbers of the regression.

    Parameters
    ----------
    features
        (examples, FEATURES).
    truth
        (examples, 2) T60 in seconds and C50 in dB.
    """
    from sklearn.neural_network import MLPRegressor

    mean, scale = features.mean(axis=0), features.std(axis=0) + 0.05
    scaled = np.clip((features - mean) / scale, -4, 4)
    target = np.stack([np.log(truth[:, 0]), np.minimum(truth[:, 1], 35.0) / 10], axis=1)
    members = [
        MLPRegressor(
            hidden_layer_sizes=(HIDDEN,),
            activation="tanh",
            alpha=0.3,
            max_iter=2000,  # few examples take many rounds until early stopping
            early_stopping=True,
            random_state=seed + k,
        )
        for k in range(MEMBERS)
    ]
    for member in members:
        member.fit(scaled, target)
    numbers = {
        "mean": mean,
        "scale": scale,
        "hidden": np.stack([member.coefs_[0] for member in members]),
        "hidden_bias": np.stack([member.intercepts_[0] for member in members]),
        "out": np.stack([member.coefs_[1] for member in members]),
        "out_bias": np.stack([member.intercepts_[1] for member in members]),
    }
    return {name: np.asarray(values, np.float32) for name, values in numbers.items()}


if __name__ == "__main__":
    main()
