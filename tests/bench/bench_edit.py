"""How long corrections take: ``python -m tests.bench.bench_edit [--rate HZ] [MINUTES …]``.

A conversation of four people with 15 % overlap is written together with a result that takes two of them for one and
holds network windows wherever people overlap, as a separation would. Then it is corrected by the program itself, one
edit after the other, each in its own process. An hour is to take less than ten seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf

from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from speaksep_kernel.voices.turns import Turn
from tests.bench.spent import spent

PROGRAM = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"
PEOPLE = 4
FOUND = {4: 3}
"""Two of them are taken for one."""
PIECE_S = 300.0
EDITS = (
    ("rename", "1", "Ada"),
    ("merge", "1", "2"),
    ("undo",),
    ("split", "3", "--parts", "2"),
    ("reassign", "10", "60", "--from", "2", "--to", "1"),
    ("noise", "100", "110"),
)


def write_talk(path: Path, minutes: float, rate_hz: int) -> list[Turn]:
    """Write a conversation of four people piece by piece; its turns."""
    turns = []
    with sf.SoundFile(path, "w", rate_hz, 1) as file:
        for piece, start_s in enumerate(np.arange(0, 60 * minutes, PIECE_S)):
            seconds = min(PIECE_S, 60 * minutes - start_s)
            talk = conversation(seconds, speakers=PEOPLE, overlap=0.15, seed=11 + piece, rate_hz=rate_hz)
            file.write(talk.audio)
            turns += [replace(t, start_s=start_s + t.start_s, end_s=start_s + t.end_s) for t in talk.turns]
    return turns


def main(minutes: list[float], rate_hz: int) -> None:
    """Print a line per edit."""
    print(f"{'minutes':>8} {'windows':>8} {'edit':<36} {'seconds':>8} {'CPU':>6} {'peak MB':>8}")
    for length in minutes:
        with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
            source, place = Path(folder) / "talk.flac", Path(folder) / "tracks"
            editable_separation(source, write_talk(source, length, rate_hz), place, found=FOUND)
            windows = len(np.load(place / ".speaksep" / "table.npz")["start"])
            for words in EDITS:
                seconds, cpu_s, peak = spent([sys.executable, "-c", PROGRAM, "edit", str(place), *words, "--quiet"])
                print(
                    f"{length:8g} {windows:8d} {' '.join(words):<36} {seconds:8.1f} {cpu_s:6.1f} {peak / 1e6:8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="*", type=float)
    parser.add_argument("--rate", type=int, default=16000)
    chosen = parser.parse_args()
    main(chosen.minutes or [60], chosen.rate)
