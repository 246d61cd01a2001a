"""Speed and memory on long recordings: ``python tests/bench/bench_long.py [MINUTES …]``.

A conversation of three people with 15 % overlap is separated by the program itself, in its own process. The real-time
factor is to stay below 0.3 on two cores, peak memory below 1.0 GB, and the same for one hour as for four.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import soundfile as sf

from speaksep_kernel.testing import conversation

PROGRAM = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"


def separate(source: Path, directory: Path) -> tuple[float, int]:
    """Wall-clock seconds and peak resident bytes of one separation."""
    words = [sys.executable, "-c", PROGRAM, "separate", str(source), "-o", str(directory), "--quiet"]
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, words, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"separating {source} failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def main(minutes: list[float]) -> None:
    """Print a line per length."""
    print(f"{'minutes':>8} {'speakers':>9} {'seconds':>8} {'RTF':>6} {'peak MB':>8}  stages")
    for length in minutes:
        with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
            talk = conversation(60 * length, speakers=3, overlap=0.15, seed=11)
            source = Path(folder) / "talk.flac"
            sf.write(source, talk.audio, talk.rate_hz)
            del talk
            seconds, peak_bytes = separate(source, Path(folder) / "tracks")
            manifest = json.loads((Path(folder) / "tracks" / "manifest.json").read_text())
        stages = " ".join(f"{stage} {took:.0f}" for stage, took in manifest["timings"].items())
        rtf = seconds / (60 * length)
        found = len(manifest["speakers"])
        print(f"{length:8g} {found:9d} {seconds:8.0f} {rtf:6.3f} {peak_bytes / 1e6:8.0f}  {stages}", flush=True)


if __name__ == "__main__":
    main([float(word) for word in sys.argv[1:]] or [1, 10, 60])
