"""Speed, memory and steadiness on long recordings: ``python -m tests.bench.bench_long [--speech FOLDER] [MINUTES …]``.

A conversation of three people with 15 % overlap is separated by the program itself, in its own process. The real-time
factor is to stay below 0.3 on two cores, peak memory below 1.0 GB, and the same for one hour as for four; everybody is
to be on one track from the first minutes to the last. The people are those of the tests, or three of FOLDER, which
holds a folder of audio files for each speaker.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from speaksep_kernel.recording import Recording
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.voices import VOICES
from speaksep_kernel.voices.rttm import parse_rttm
from speaksep_kernel.voices.turns import Turn
from tests.bench.spent import spent

PROGRAM = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"
PEOPLE = 3
PIECE_MINUTES = 10.0
STEP_S = 0.1


def people(folder: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Utterances of three speakers at 16 kHz and equal level."""
    found = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir())[:PEOPLE]:
        clips = [Recording.open(file).read(rate_hz=16000).mean(axis=1) for file in sorted(place.iterdir())[:40]]
        found[place.name] = [clip * np.float32(0.06 / np.sqrt(np.square(clip).mean())) for clip in clips]
    return found


def write_talk(path: Path, minutes: float, folder: Path | None) -> tuple[list[Turn], float]:
    """Write a conversation piece by piece; its turns, and its overlap as a share of the speech."""
    voices = people(folder) if folder else VOICES
    turns: list[Turn] = []
    overlaps = []
    names = {name: number for number, name in enumerate(tuple(voices)[:PEOPLE], 1)}
    with sf.SoundFile(path, "w", 16000, 1) as file:
        for piece, start in enumerate(np.arange(0, minutes, PIECE_MINUTES)):
            seconds = 60 * min(PIECE_MINUTES, minutes - start)
            talk = conversation(seconds, speakers=PEOPLE, overlap=0.15, seed=11 + piece, voices=voices)
            file.write(talk.audio)
            overlaps.append(talk.overlap_ratio)
            at = 60 * start
            turns += [Turn(at + t.start_s, at + t.end_s, names[talk.speakers[t.speaker - 1]]) for t in talk.turns]
    return turns, float(np.mean(overlaps))


def steadiness(truth: list[Turn], found: list[Turn], minutes: float) -> tuple[float, float]:
    """Share of the moments with one speaker heard that are on that speaker's one track, in the first and last tenth."""
    steps = round(60 * minutes / STEP_S)
    said, heard = _steps(truth, steps), _steps(found, steps)
    said *= (said.sum(axis=1, keepdims=True) == 1) & heard.any(axis=1, keepdims=True)
    rows, columns = linear_sum_assignment(-(said.T @ heard))
    right = said[:, rows] * heard[:, columns]
    tenth = max(1, steps // 10)
    return tuple(float(right[part].sum() / said[part].sum()) for part in (slice(tenth), slice(-tenth, None)))


def _steps(turns: list[Turn], steps: int) -> NDArray[np.float32]:
    active = np.zeros((steps, max(PEOPLE, *(turn.speaker for turn in turns))), np.float32)
    for turn in turns:
        active[round(turn.start_s / STEP_S) : round(turn.end_s / STEP_S), turn.speaker - 1] = 1
    return active


def main(minutes: list[float], speech: Path | None) -> None:
    """Print a line per length."""
    print(
        f"{'minutes':>8} {'overlap':>8} {'speakers':>9} {'RTF':>6} {'CPU/s':>6} {'peak MB':>8} {'first':>6} {'last':>6}"
        "  network windows, stages"
    )
    for length in minutes:
        with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
            source, place = Path(folder) / "talk.flac", Path(folder) / "tracks"
            truth, overlap = write_talk(source, length, speech)
            words = [sys.executable, "-c", PROGRAM, "separate", str(source), "-o", str(place), "--quiet"]
            seconds, cpu_s, peak_bytes = spent(words)
            manifest = json.loads((place / "manifest.json").read_text())
            found, _ = parse_rttm((place / "turns.rttm").read_text())
            windows = len(np.load(place / ".speaksep" / "table.npz")["start"])
        first, last = steadiness(truth, list(found), length)
        stages = " ".join(f"{stage} {took:.0f}" for stage, took in manifest["timings"].items())
        print(
            f"{length:8g} {overlap:8.1%} {len(manifest['speakers']):9d} {seconds / (60 * length):6.3f} "
            f"{cpu_s / (60 * length):6.3f} {peak_bytes / 1e6:8.0f} {first:6.1%} {last:6.1%}  {windows}, {stages}",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="*", type=float)
    parser.add_argument("--speech", type=Path)
    chosen = parser.parse_args()
    main(chosen.minutes or [60, 240], chosen.speech)
