"""Calibrates the expected separation quality: ``python tests/bench/bench_quality.py CORPUS [--items N] [--cache DIR]``.

Simulated conversations of validation speakers, in rooms and noise, go through the shipped network window by window.
What it gained on every overlap (SI-SDR improvement, mean of the speakers) is set against what the diagnosers measure.
The fit uses one half of the speakers; errors and calibration are reported on the other half, whom it never saw.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import norm

from speaksep_kernel.diagnosis import Context, Finding, diagnose_recording
from speaksep_kernel.diagnosis.quality import Conditions, Quality
from speaksep_kernel.diagnosis.run import installed
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import Conversation, conversation
from speaksep_kernel.testing.damage import add_noise, noise
from speaksep_kernel.training.corpus import Corpus, read_shards
from speaksep_kernel.training.measures import best_order, improvements_db
from speaksep_kernel.training.rooms import PLACES, simulate_rooms
from speaksep_kernel.voices.turns import Turn

RATE_HZ = 16000
SECONDS, WINDOW_S = 24.0, 8.0
ROOMS = 40
LEAST_S = 0.5
"""Shorter overlaps give no steady SI-SDR."""
HALVES = ("fit", "report")
Group = tuple[int, ...]


def talk_of(corpus: Corpus, rooms: np.ndarray, half: str, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[Turn, ...]]:
    """Mixture, references as they sound in it, and turns of one simulated conversation."""
    rng = np.random.default_rng([seed, HALVES.index(half)])
    known = np.arange(HALVES.index(half), len(corpus.speakers), 2)
    speakers = 2 + int(rng.random() < 0.35)
    chosen = rng.choice(known, speakers, replace=False)
    voices = {corpus.speakers[k]: _utterances(corpus.speech(int(k)), rng) for k in chosen}
    talk = conversation(SECONDS, speakers, rng.uniform(0.25, 0.7), seed, noise_dbfs=None, voices=voices)
    references = talk.references * (10 ** (rng.uniform(-5, 5, (speakers, 1)) / 20)).astype(np.float32)
    if rng.random() < 0.6:
        room = rooms[int(rng.integers(len(rooms)))]
        places = rng.permutation(PLACES)
        references = np.stack([fftconvolve(one, room[places[k]])[: len(one)] for k, one in enumerate(references)])
    clean = references.sum(0)
    wave = _noise(corpus, known, chosen, len(clean), rng, seed)
    mixture = add_noise(clean, _speaking(talk), float(rng.uniform(0, 45)), wave)
    gain = 0.5 / np.abs(mixture).max()
    return (mixture * gain).astype(np.float32), (references * gain).astype(np.float32), talk.turns


def _utterances(speech: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    edges = [0]
    while edges[-1] < len(speech) - 2 * RATE_HZ:
        edges.append(edges[-1] + int(rng.uniform(2, 6) * RATE_HZ))
    return [speech[a:b] for a, b in pairwise(edges)] or [speech]


def _noise(
    corpus: Corpus, known: np.ndarray, chosen: np.ndarray, samples: int, rng: np.random.Generator, seed: int
) -> np.ndarray:
    kind = str(rng.choice(["pink", "pink", "white", "babble"]))
    if kind != "babble":
        return noise(samples, RATE_HZ, kind, seed)
    others = rng.choice([k for k in known if k not in chosen], 6, replace=False)
    wave = sum(np.resize(np.roll(corpus.speech(int(k)), int(rng.integers(1 << 20))), samples) for k in others)
    return np.asarray(wave / np.sqrt(np.mean(np.square(wave))), np.float32)


def _speaking(talk: Conversation) -> np.ndarray:
    mask = np.zeros(len(talk.audio), bool)
    for turn in talk.turns:
        mask[round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)] = True
    return mask


def gained_db(mixture: np.ndarray, references: np.ndarray, turns: tuple[Turn, ...]) -> dict[Group, float]:
    """What the network gains where exactly these speakers overlap, in the window with most overlap."""
    from speaksep_kernel.plugins import create

    active = np.zeros((len(references), len(mixture)), bool)
    for turn in turns:
        active[turn.speaker - 1, round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)] = True
    size = round(WINDOW_S * RATE_HZ)
    overlapped = np.cumsum(np.append(0, (active.sum(0) > 1)))
    starts = np.arange(0, len(mixture) - size + 1, RATE_HZ)
    first = int(starts[np.argmax(overlapped[starts + size] - overlapped[starts])])
    window = slice(first, first + size)
    heard = mixture[window]
    tracks = create("separator", "speaksep", device="cpu").separate(heard[None], RATE_HZ)[0].tracks
    present = np.flatnonzero(active[:, window].any(1))
    order = best_order(improvements_db(tracks, references[present][:, window], heard))
    gains: dict[Group, float] = {}
    for group in {tuple(column) for column in map(tuple, np.unique(active[:, window], axis=1).T)}:
        members = np.flatnonzero(group)
        where = (active[:, window] == np.array(group)[:, None]).all(0)
        if len(members) < 2 or where.sum() < LEAST_S * RATE_HZ:
            continue
        pairs = [(tracks[order[list(present).index(k)]][where], references[k, window][where]) for k in members]
        gains[tuple(int(k) + 1 for k in members)] = float(
            np.mean([improvements_db(track[None], truth[None], heard[where])[0, 0] for track, truth in pairs])
        )
    return gains


def measured(mixture: np.ndarray, turns: tuple[Turn, ...]) -> dict[Group, Conditions]:
    """What the diagnosers say of every overlap."""
    heard: Any = SimpleNamespace(
        turns=turns, speakers=len({turn.speaker for turn in turns}), confidence=1.0, phantoms=0
    )
    kept: dict[Group, Conditions] = {}

    class Recorder(Quality):
        def finish(self, context: Context) -> list[Finding]:
            kept.update(self.conditions(context))
            return []

    panel = [cls for cls in installed() if cls.info.name in {"noise", "imbalance", "reverberation"}]
    with AnalysisCache(Recording.open((mixture, RATE_HZ))) as cache:
        diagnose_recording(cache.recording, cache, heard, diagnosers=[*panel, Recorder])
    return kept


def rows_of(corpus: Corpus, rooms: np.ndarray, half: str, items: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Conditions, (rows, terms), and gains, (rows,), of one half; gains that took the network long are kept on disk."""
    path = cache / f"gains_{half}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    known = {line["seed"]: line["gains"] for line in map(json.loads, lines)}
    conditions, gains = [], []
    for seed in range(items):
        mixture, references, turns = talk_of(corpus, rooms, half, seed)
        if seed not in known:
            known[seed] = [[list(group), gain] for group, gain in gained_db(mixture, references, turns).items()]
            with path.open("a") as file:
                file.write(json.dumps({"seed": seed, "gains": known[seed]}) + "\n")
        found = measured(mixture, turns)
        for group, gain_db in known[seed]:
            if tuple(group) in found:
                conditions.append([1.0, *vars(found[tuple(group)]).values()])
                gains.append(gain_db)
    return np.array(conditions), np.array(gains)


def report(predicted: np.ndarray, gains: np.ndarray, spread_db: float) -> None:
    """Errors, coverage of the bands, and how true the probabilities are."""
    error = gains - predicted
    print(f"\n{len(gains)} overlaps of speakers never seen: gained {gains.mean():.1f} ± {gains.std():.1f} dB;")
    print(f"error of the forecast: mean {error.mean():+.1f}, median absolute {np.median(np.abs(error)):.1f} dB;")
    print(f"correlation of forecast and gain: {np.corrcoef(predicted, gains)[0, 1]:.2f}\n")
    print("| band | holds |\n|---|---|")
    for share in (0.5, 0.8, 0.9):
        width = spread_db * norm.ppf(0.5 + share / 2)
        print(f"| {100 * share:.0f} % | {100 * np.mean(np.abs(error) <= width):.0f} % |")
    print("\n| at least | said | true |\n|---|---|---|")
    wrong, count = 0.0, 0
    for least_db in (3.0, 5.0, 8.0):
        sure, good = norm.sf((least_db - predicted) / spread_db), gains >= least_db
        for low, high in ((0, 0.33), (0.33, 0.67), (0.67, 1.01)):
            here = (sure >= low) & (sure < high)
            if here.sum() >= 5:
                said, true = 100 * sure[here].mean(), 100 * good[here].mean()
                print(f"| {least_db:g} dB ({here.sum()}) | {said:.0f} % | {true:.0f} % |")
                wrong += here.sum() * abs(sure[here].mean() - good[here].mean())
                count += int(here.sum())
    print(f"\nexpected calibration error {wrong / count:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--cache", type=Path, default=Path("bench/quality"))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    corpus = read_shards(options.corpus, "valid")
    rooms = simulate_rooms(ROOMS, seed=5)
    (x, y), (new_x, new_y) = (rows_of(corpus, rooms, half, options.items, options.cache) for half in HALVES)
    # A little ridge: the terms are few, but so are the overlaps.
    scale = x.std(0) + (x.std(0) == 0)
    weights = np.linalg.solve((x / scale).T @ (x / scale) + np.eye(x.shape[1]), (x / scale).T @ y) / scale
    error = y - x @ weights
    names = ["one", *(one.name for one in fields(Conditions))]
    print("COEFFICIENTS =", {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)})
    spread_db = float(error.std(ddof=x.shape[1]))
    print(f"SPREAD_DB = {spread_db:.2f}")
    print("BAND =", tuple(round(float(np.percentile(error, at)), 1) for at in (10, 90)))
    report(new_x @ weights, new_y, spread_db)


if __name__ == "__main__":
    main()
