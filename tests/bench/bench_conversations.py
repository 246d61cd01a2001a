"""200 simulated conversations of one to eight people: counts, diarization error, how honest confidences are, and
whether people keep their track over ten minutes of silence. Only who speaks when, without the separation network.

What was heard (streams with embeddings, and the truth) is kept in the cache folder, a file a conversation, so that
other clustering is tried in seconds; delete the folder to hear again. Frames of 20 ms, no collar, overlap scored.

usage: python tests/bench/bench_conversations.py SPEECH_DIR --cache DIR [--count 200] [--silence 6] [--processes 2]
           [--fit] [--min-exact 85] [--min-within-one 97] [--max-ece 0.1]

SPEECH_DIR holds tar shards with manifest.csv; the people of its split "valid" speak (docs/training.md).
"""

from __future__ import annotations

import argparse
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment, minimize

from speaksep_kernel.training.conversations import MOST, simulate, with_silence
from speaksep_kernel.training.heard import Heard, hear, on_grid, recall
from speaksep_kernel.voices import confidence
from speaksep_kernel.voices.clustering import cluster_and_count
from speaksep_kernel.voices.diarization import Diarization, summarise
from speaksep_kernel.voices.streams import FRAME_S

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """Number found, phantoms, and frames missed, false, confused and spoken."""

    people: int
    found: int
    phantoms: int
    errors: NDArray[np.float64]


def listened(number: int, *, speech: Path, folder: Path, silence: bool) -> Path:
    """The file of a conversation."""
    return hear(number, speech=speech, split="valid", folder=folder, make=with_silence if silence else simulate)


def who_is_who(truth: Bools, found: Bools) -> NDArray[np.int64]:
    """(found speakers,) the person each stands for; -1 for nobody."""
    together = truth.T.astype(np.float64) @ found.astype(np.float64)
    person = np.full(found.shape[1], -1)
    rows, columns = linear_sum_assignment(together, maximize=True)
    real = together[rows, columns] > 0
    person[columns[real]] = rows[real]
    return person


def errors(truth: Bools, found: Bools) -> NDArray[np.float64]:
    """Frames missed, false, confused, and spoken in all."""
    person = who_is_who(truth, found)
    right = sum(
        (truth[:, who] & found[:, k] for k, who in enumerate(person) if who >= 0), np.zeros(len(truth), np.int64)
    )
    said, heard = truth.sum(1), found.sum(1)
    missed, false = np.maximum(said - heard, 0).sum(), np.maximum(heard - said, 0).sum()
    return np.array([missed, false, (np.minimum(said, heard) - right).sum(), said.sum()], np.float64)


def diarization(heard: Heard) -> tuple[Diarization, Bools]:
    streams, phantoms = cluster_and_count(heard.streams)
    done = summarise(streams, len(heard.truth), phantoms=phantoms)
    return done, on_grid(done.turns, len(heard.truth), done.speakers)


def counted(path: Path) -> tuple[Outcome, NDArray[np.float64]]:
    """What came of a conversation; and a row a turn: number, evidence, share that is really that person's, seconds."""
    heard = recall(path)
    done, found = diarization(heard)
    outcome = Outcome(heard.truth.shape[1], done.speakers, done.phantoms, errors(heard.truth, found))
    if not done.turns:
        return outcome, np.empty((0, 7))
    person = who_is_who(heard.truth, found)
    shares = []
    for turn in done.turns:
        who = person[turn.speaker - 1]
        frames = slice(round(turn.start_s / FRAME_S), round(turn.end_s / FRAME_S))
        shares.append(heard.truth[frames, who].mean() if who >= 0 else 0.0)
    rows = confidence.evidence(done.turns, done.streams, done.activity)
    seconds = [turn.seconds for turn in done.turns]
    sure = [turn.confidence for turn in done.turns]
    return outcome, np.column_stack([np.full(len(rows), heard.number), rows, sure, shares, seconds])


def table(outcomes: list[Outcome]) -> tuple[float, float]:
    """Print by number of people; percent exact and within one."""
    print("people  conversations  exact  within 1  more  fewer  phantoms | miss    fa  conf    DER")
    for people in [*range(1, MOST + 1), 0]:
        some = [one for one in outcomes if people in (0, one.people)]
        if not some:
            continue
        off = np.array([one.found - one.people for one in some])
        miss, false, confused, said = sum(one.errors for one in some)
        parts = 100 * np.array([miss, false, confused, miss + false + confused]) / max(said, 1)
        exact, near = 100 * np.mean(off == 0), 100 * np.mean(abs(off) <= 1)
        print(
            f"{people or 'all':>6}  {len(some):13d} {exact:5.1f}%  {near:6.1f}% {(off > 0).sum():5d} "
            f"{(off < 0).sum():6d}"
            f" {sum(one.phantoms for one in some):9d} | " + " ".join(f"{part:5.1f}" for part in parts)
        )
    return float(exact), float(near)


def expected_calibration_error(sure: NDArray[np.float64], share: NDArray[np.float64], bins: int = 10) -> float:
    """Mean distance of confidence and truth over ten bins, by their turns (Guo et al., 2017)."""
    cell = np.minimum((sure * bins).astype(int), bins - 1)
    return float(sum(abs((sure - share)[cell == k].sum()) for k in range(bins)) / max(1, len(sure)))


def fitted(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Constant and weights of a logistic regression on the share, every turn counting once."""
    features = np.column_stack([np.ones(len(rows)), rows[:, 1:-3]])
    share = rows[:, -2]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = features @ weights
        slope = features.T @ (1 / (1 + np.exp(-odds)) - share) / len(rows)
        return float(np.mean(np.logaddexp(0, odds) - share * odds)), slope

    return np.asarray(minimize(loss, np.zeros(features.shape[1]), jac=True).x)


def calibration(rows: NDArray[np.float64], *, fit: bool) -> float:
    """Print how honest confidences are, on every second block of conversations; the others are for fitting."""
    apart = rows[:, 0] // MOST % 2 == 1
    if fit:
        print("weights fitted on the first of every two blocks:", np.round(fitted(rows[~apart]), 2).tolist())
    sure, share, seconds = rows[apart, -3], rows[apart, -2], rows[apart, -1]
    error = expected_calibration_error(sure, share)
    print(f"\nconfidence of {len(sure)} turns (conversations that were not used to fit): ECE {error:.3f}")
    print("  said   turns  hours  really")
    for low in np.arange(0, 1, 0.1):
        chosen = (sure >= low) & (sure < low + 0.1)
        if chosen.any():
            hours = seconds[chosen].sum() / 3600
            print(f"  {sure[chosen].mean():.2f}  {chosen.sum():6d}  {hours:5.2f}  {share[chosen].mean():.2f}")
    return error


def silence_kept(path: Path) -> bool:
    """Whether everybody has the same track before and after the silence, and nobody else was found."""
    heard = recall(path)
    done, found = diarization(heard)
    half = len(heard.truth) // 2
    before, after = (who_is_who(heard.truth[part], found[part]) for part in (slice(0, half), slice(half, None)))
    same = done.speakers == heard.truth.shape[1] and bool((before == after).all())
    print(
        f"  {path.stem}: {heard.truth.shape[1]} people, {done.speakers} found, {heard.about}: {'yes' if same else 'NO'}"
    )
    return same


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("speech", type=Path)
    options.add_argument("--cache", type=Path, required=True)
    options.add_argument("--count", type=int, default=200)
    options.add_argument("--silence", type=int, default=6, help="conversations with ten minutes of silence")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--heard-only", action="store_true", help="score what the cache has, hear nothing new")
    options.add_argument("--fit", action="store_true", help="print new weights for voices/confidence.py")
    options.add_argument("--min-exact", type=float, default=0.0)
    options.add_argument("--min-within-one", type=float, default=0.0)
    options.add_argument("--max-ece", type=float, default=1.0)
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    paths: dict[str, list[Path]] = {}
    # One core each: networks that share cores are slower together than one after the other.
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        for name, count in (("conv", chosen.count), ("silence", chosen.silence)):
            folder = chosen.cache / name
            folder.mkdir(parents=True, exist_ok=True)
            listen = partial(listened, speech=chosen.speech, folder=folder, silence=name == "silence")
            there = (number for number in range(count) if (folder / f"c{number:03d}.npz").exists())
            wanted = there if chosen.heard_only else range(count)
            paths[name] = list(pool.map(listen, wanted))
    scored = [counted(path) for path in paths["conv"]]
    exact, near = table([outcome for outcome, _ in scored])
    error = calibration(np.concatenate([rows for _, rows in scored]), fit=chosen.fit)
    print("\nten minutes of silence, and everybody has the same track as before:")
    kept = [silence_kept(path) for path in paths["silence"]]
    print(f"{sum(kept)} of {len(kept)}")
    good = exact >= chosen.min_exact and near >= chosen.min_within_one and error <= chosen.max_ece and all(kept)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
