"""What separating spans again brings: ``python tests/bench/bench_reseparate.py [conversations]``, shipped network.

Conversations of three people with 35 % overlap, a minute each; spans of 5, 9 and 14 s somewhere in them, and how many
speak in each is told. Errors in who speaks when (missed, false and wrong speech, by true speech), and SDR of the tracks
of those who speak, in the span, before and after; CPU seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import speaksep_kernel as speaksep
from speaksep_kernel.testing import Conversation, conversation
from speaksep_kernel.voices.streams import FRAME_S
from speaksep_kernel.voices.turns import Turn

SPANS_S = (5, 9, 14)
SECONDS, RATE_HZ = 60, 16000


def spoken(turns: Sequence[Turn], people: int) -> NDArray[np.bool_]:
    """(frames, people) who speaks when."""
    frames = np.zeros((round(SECONDS / FRAME_S), people), np.bool_)
    for turn in turns:
        frames[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S), turn.speaker - 1] = True
    return frames


def measured(
    found: speaksep.Separation, talk: Conversation, who: Mapping[int, int], span: tuple[float, float]
) -> tuple[float, float]:
    """Errors by true speech, and mean SDR in dB."""
    part = slice(*(round(at / FRAME_S) for at in span))
    true = spoken(talk.turns, len(talk.references))[part]
    heard = spoken(found.turns, max(track.speaker for track in found.tracks))[part]
    right = sum(int((true[:, p] & heard[:, s]).sum()) for p, s in who.items() if s < heard.shape[1])
    wrong = np.maximum(true.sum(axis=1), heard.sum(axis=1)).sum() - right
    samples = slice(*(round(at * RATE_HZ) for at in span))
    files = {track.speaker - 1: track.file for track in found.tracks}
    sdr = []
    for person in np.flatnonzero(true.sum(axis=0) * FRAME_S >= 0.5).tolist():
        said = talk.references[person][samples]
        track = sf.read(files[who[person]])[0][samples] if who.get(person) in files else 0 * said
        sdr.append(10 * np.log10(np.square(said).sum() / np.square(track - said).sum()))
    return float(wrong / max(1, true.sum())), float(np.mean(sdr))


def main(conversations: int) -> None:
    """Print a line per span, and the means."""
    rows = []
    for seed in range(5, 5 + conversations):
        talk = conversation(SECONDS, speakers=3, overlap=0.35, seed=seed)
        rng = np.random.default_rng(seed)
        with tempfile.TemporaryDirectory() as place:
            sf.write(Path(place) / "talk.wav", talk.audio, RATE_HZ)
            before = speaksep.separate(Path(place) / "talk.wav", Path(place) / "out")
            true = spoken(talk.turns, len(talk.references))
            together = true.T.astype(float) @ spoken(before.turns, len(before.tracks))
            who = dict(zip(*(each.tolist() for each in linear_sum_assignment(-together)), strict=True))
            for length in SPANS_S:
                start = float(rng.uniform(2, SECONDS - 2 - length))
                span = (start, start + length)
                part = slice(*(round(at / FRAME_S) for at in span))
                speakers = max(1, int((true[part].sum(axis=0) * FRAME_S >= 0.2).sum()))
                since = time.process_time()
                again = speaksep.reseparate(before, *span, speakers=speakers, directory=Path(place) / "again")
                spent = time.process_time() - since
                rows.append((*measured(before, talk, who, span), *measured(again, talk, who, span), spent))
                print(
                    f"{seed}: {span[0]:.1f} to {span[1]:.1f} s, {speakers} speak: "
                    "errors {:.0%}, SDR {:.1f} dB; again {:.0%}, {:.1f} dB; {:.1f} CPU s".format(*rows[-1]),
                    flush=True,
                )
    print("mean: errors {:.1%}, SDR {:.1f} dB; again {:.1%}, {:.1f} dB; {:.1f} CPU s".format(*np.mean(rows, axis=0)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
