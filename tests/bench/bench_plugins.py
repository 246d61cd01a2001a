"""Long recordings through other people's separators: ``python -m tests.bench.bench_plugins [--minutes 60] [NAME …]``.

The three packages of tests/plugins are installed into an environment of their own and separate the same conversation of
three people, beside the built-in network. Peak memory is to stay below 1.0 GB, plugins included:
the platform hands every separator one batch of windows at a time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.bench_long import write_talk
from tests.plugins.place import PACKAGES, Place, onnx, sepformer, target

PARTIES = {"sepformer": ("sepformer", sepformer), "onnx-network": ("onnx", onnx), "target": ("target", target)}
OURS = "speaksep"


def separated(place: Place, source: Path, words: list[str]) -> tuple[float, int]:
    """Wall-clock seconds and peak resident bytes of one separation."""
    program = str(place.root / "env/bin/python")
    given = [program, "-m", "speaksep_kernel.cli", "separate", str(source), "-o", str(place.root / "tracks"), "--quiet"]
    began = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    cores = place.environment | {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    process = os.posix_spawn(program, [*given, *words], cores, file_actions=silent)
    peak_bytes, ended, status = 0, 0, 0
    while not ended:
        # Not ru_maxrss: Linux counts in it what this process held when it started the other (a recording of an hour).
        with suppress(FileNotFoundError, ProcessLookupError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
            peak_bytes = int(found[1]) * 1024 if found else peak_bytes
        time.sleep(0.1)
        ended, status = os.waitpid(process, os.WNOHANG)
    if status:
        raise SystemExit(f"separating with {words} failed")
    return time.perf_counter() - began, peak_bytes


def main(names: list[str], minutes: float) -> None:
    """Print a line per separator."""
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as folder:
        place, source = Place.made(Path(folder)), Path(folder) / "talk.flac"
        write_talk(source, minutes, None)
        print(f"{minutes:g} minutes, three people\n{'separator':14} {'RTF':>6} {'peak MB':>8}", flush=True)
        for name in names:
            words = ["--separator", name]
            if name != OURS:
                package, model = PARTIES[name]
                copy = shutil.copytree(PACKAGES / f"speaksep-{package}", place.root / package)
                place.pip("install", "--no-deps", "--no-build-isolation", copy)
                option, file = model(place)
                words += ["--separator-option", f"{option}={file}"]
            spent_s, peak_bytes = separated(place, source, words)
            print(f"{name:14} {spent_s / (60 * minutes):6.3f} {peak_bytes / 1e6:8.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=60)
    chosen = parser.parse_args()
    main(chosen.names or [OURS, *PARTIES], chosen.minutes)
