"""How long corrections take: ``python tests/bench/bench_edit.py [--rate HZ] [MINUTES …]``.

A conversation of three people with 15 % overlap is written together with a result that knows who speaks when and holds
network windows wherever people overlap, as a separation would. Then it is corrected by the program itself, one edit
after the other, each in its own process. An hour is to take less than ten seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.diagnosis.run import recording_facts
from speaksep_kernel.plugins import create
from speaksep_kernel.progress import silent
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.results.assembly import STREAMS, TABLE, Clock, Result, assemble
from speaksep_kernel.results.directory import INTERNAL, staged
from speaksep_kernel.results.edited import untouched
from speaksep_kernel.results.manifest import ModelEntry
from speaksep_kernel.results.render import render_blocks
from speaksep_kernel.separation.gates import open_gates, overlap_frames
from speaksep_kernel.separation.stitch import STORE
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, empty_table, frame_level
from speaksep_kernel.separation.windows import choose_windows
from speaksep_kernel.testing import conversation
from speaksep_kernel.voices.segmentation import frame_count, window_starts
from speaksep_kernel.voices.streams import Streams

PROGRAM = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"
PEOPLE = 3
PIECE_MINUTES = 5.0
EDITS = (
    ("rename", "1", "Ada"),
    ("merge", "1", "2"),
    ("undo",),
    ("split", "3", "--parts", "2"),
    ("reassign", "10", "60", "--from", "2", "--to", "1"),
    ("noise", "100", "110"),
)


def write_talk(path: Path, minutes: float, rate_hz: int) -> np.ndarray:
    """Write a conversation piece by piece; returns (frames, people) uint8 activity."""
    pieces = []
    with sf.SoundFile(path, "w", rate_hz, 1) as file:
        for piece, start in enumerate(np.arange(0, minutes, PIECE_MINUTES)):
            seconds = 60 * min(PIECE_MINUTES, minutes - start)
            talk = conversation(seconds, speakers=PEOPLE, overlap=0.15, seed=11 + piece, rate_hz=rate_hz)
            file.write(talk.audio)
            activity = np.zeros((round(seconds * 50), PEOPLE), np.uint8)
            for turn in talk.turns:
                activity[round(turn.start_s * 50) : round(turn.end_s * 50), turn.speaker - 1] = 255
            pieces.append(activity)
    return np.concatenate(pieces)


def write_result(source: Path, activity: np.ndarray, place: Path) -> WindowTable:
    """Write what a separation would have: each window's tracks are fixed parts of it."""
    recording = Recording.open(source)
    with AnalysisCache(recording) as cache, staged(place) as stage:
        (stage / INTERNAL).mkdir()
        activity = np.resize(activity, (frame_count(cache.samples16k), PEOPLE))
        windows = choose_windows(overlap_frames(open_gates(activity)))
        store = TrackStore(stage / INTERNAL / STORE, sources=3, samples=windows.frames * FRAME_SAMPLES)
        scale, level = [], []
        for start in windows.start.tolist():
            audio = cache.read16k(start * FRAME_SAMPLES, start * FRAME_SAMPLES + store.samples)
            tracks = np.outer([0.5, 0.3, 0.2], np.pad(audio, (0, store.samples - len(audio)))).astype(np.float32)
            scale.append(store.append(tracks))
            level.append(frame_level(tracks, windows.frames))
        count = len(windows)
        table = replace(
            empty_table(windows.frames, 3),
            start=windows.start,
            scale=np.array(scale, np.float32),
            level=np.array(level),
            voiced=np.full((count, 3, windows.frames), 255, np.uint8),
            speaker=np.tile(np.arange(3, dtype=np.int32), (count, 1)),
            margin=np.ones(count, np.float32),
            activity=activity,
        )
        table.save(stage / INTERNAL / TABLE)
        local_streams(activity).save(stage / INTERNAL / STREAMS)
        edited = untouched(table)
        result = Result(
            recording=recording,
            cache=cache,
            edited=edited,
            blocks=render_blocks(cache, table, store),
            turns=edited.turns(),
            confidence=(1.0,) * PEOPLE,
            parameters={},
            model=ModelEntry(separator="none", version="1"),
            diagnosis=Diagnosis(recording_facts(recording, cache.mixdown), (), PEOPLE, 1.0, 1.0, 0.15),
        )
        assemble(stage, result, format="flac", exporter=create("exporter", "flac"), clock=Clock(), hook=silent)
    return table


def local_streams(activity: np.ndarray) -> Streams:
    """Streams as segmentation would find them, with voices of two kinds in every speaker."""
    starts = window_starts(len(activity), 500, 100)
    found = [(w, k) for w, at in enumerate(starts) for k in range(PEOPLE) if activity[at : at + 500, k].any()]
    window, label = np.array(found, np.int32).T
    voice = np.eye(192, dtype=np.float32)[label * 2 + (window > len(starts) // 2)]
    noise = np.random.default_rng(0).normal(0, 0.05, voice.shape).astype(np.float32)
    vectors = (voice + noise) / np.linalg.norm(voice + noise, axis=1, keepdims=True)
    local = np.stack([activity[starts[w] : starts[w] + 500, k] for w, k in found])
    sure = np.ones(len(found), np.float32)
    return Streams(np.array(starts), 500, window, local, vectors, sure * 5, label, sure)


def timed(*words: str) -> tuple[float, float, int]:
    """Wall-clock seconds, seconds of all cores together, and peak resident bytes of one run of the program."""
    start = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", PROGRAM, *words],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"speaksep {' '.join(words)} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main(minutes: list[float], rate_hz: int) -> None:
    """Print a line per edit."""
    print(f"{'minutes':>8} {'windows':>8} {'edit':<36} {'seconds':>8} {'CPU':>6} {'peak MB':>8}")
    for length in minutes:
        with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
            source, place = Path(folder) / "talk.flac", Path(folder) / "tracks"
            table = write_result(source, write_talk(source, length, rate_hz), place)
            for words in EDITS:
                seconds, cpu_s, peak = timed("edit", str(place), *words, "--quiet")
                print(
                    f"{length:8g} {len(table):8d} {' '.join(words):<36} {seconds:8.1f} {cpu_s:6.1f} {peak / 1e6:8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="*", type=float)
    parser.add_argument("--rate", type=int, default=16000)
    chosen = parser.parse_args()
    main(chosen.minutes or [60], chosen.rate)
