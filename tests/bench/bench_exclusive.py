"""Who should have the floor where several speak? Rules tried on conversations of known content.

    python tests/bench/bench_exclusive.py [--conversations 8] [--seconds 60]

Prints, of the time in which two or more turns were found at once, the share in which the chosen speaker truly speaks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import conversation
from speaksep_kernel.voices.diarization import diarize
from speaksep_kernel.voices.overlaps import stretches
from speaksep_kernel.voices.streams import FRAME_S
from speaksep_kernel.voices.turns import Turn

Rule = Callable[[Sequence[Turn]], Turn]

RULES: dict[str, Rule] = {
    "the most confident turn": lambda active: max(active, key=lambda turn: turn.confidence),
    "who began first": lambda active: active[0],
    "who began last": lambda active: active[-1],
    "the longest turn": lambda active: max(active, key=lambda turn: turn.seconds),
    "the shortest turn": lambda active: min(active, key=lambda turn: turn.seconds),
}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    wanted = parser.parse_args()
    right, total = dict.fromkeys(RULES, 0.0), 0.0
    for seed in range(wanted.conversations):
        talk = conversation(wanted.seconds, speakers=2 + seed % 4, overlap=0.3, seed=seed, noise_dbfs=-45.0)
        with AnalysisCache(Recording.open((talk.audio, talk.rate_hz))) as cache:
            found = diarize(cache, speakers=2 + seed % 4).turns
        frames = round(wanted.seconds / FRAME_S)
        heard, true = speaking(found, frames), speaking(talk.turns, frames)
        rows, columns = linear_sum_assignment(-(heard.astype(int) @ true.T.astype(int)))
        who = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for start_s, end_s, active in stretches(found):
            part = slice(round(start_s / FRAME_S), round(end_s / FRAME_S))
            if len(active) < 2:
                continue
            total += float(true[:, part].any(0).sum())
            for name, rule in RULES.items():
                chosen = who.get(rule(active).speaker - 1)
                right[name] += 0.0 if chosen is None else float(true[chosen, part].sum())
    print(f"{total * FRAME_S:.0f} s of overlap in {wanted.conversations} conversations")
    for name, frames_right in right.items():
        print(f"  {name:<24} {frames_right / max(total, 1.0):.1%}")


def speaking(turns: Sequence[Turn], frames: int) -> NDArray[np.bool_]:
    """(speakers, frames) who speaks."""
    found = np.zeros((max((turn.speaker for turn in turns), default=1), frames), bool)
    for turn in turns:
        found[turn.speaker - 1, round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)] = True
    return found


if __name__ == "__main__":
    main()
