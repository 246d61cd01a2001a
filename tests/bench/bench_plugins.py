"""Long recordings through other people's separators: ``python -m tests.bench.bench_plugins [--minutes 60] [NAME …]``.

The three packages of tests/plugins are installed into an environment of their own and separate the same conversation of
three people, beside the built-in network. Peak memory is to stay below 1.0 GB, plugins included:
the platform hands every separator one batch of windows at a time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from tests.bench.bench_long import write_talk
from tests.bench.spent import Spent, spent
from tests.plugins.place import PACKAGES, Place, onnx, sepformer, target

PARTIES = {"sepformer": ("sepformer", sepformer), "onnx-network": ("onnx", onnx), "target": ("target", target)}
OURS = "speaksep"


def separated(place: Place, source: Path, words: list[str]) -> Spent:
    """What one separation took."""
    program = str(place.root / "env/bin/python")
    given = [program, "-m", "speaksep_kernel.cli", "separate", str(source), "-o", str(place.root / "tracks"), "--quiet"]
    return spent([*given, *words], place.environment | {"OMP_NUM_THREADS": str(os.cpu_count() or 1)})


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
            spent_s, _, peak_bytes = separated(place, source, words)
            print(f"{name:14} {spent_s / (60 * minutes):6.3f} {peak_bytes / 1e6:8.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=60)
    chosen = parser.parse_args()
    main(chosen.names or [OURS, *PARTIES], chosen.minutes)
