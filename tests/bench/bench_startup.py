"""How long the program takes to answer: ``python tests/bench/bench_startup.py``. Help is to take less than 0.4 s."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PROGRAM = "import sys; from speaksep_kernel.cli import main; sys.exit(main())"
CASES = {
    "import speaksep_kernel": ["-c", "import speaksep_kernel"],
    "speaksep --help": ["-c", PROGRAM, "--help"],
    "speaksep separate --help": ["-c", PROGRAM, "separate", "--help"],
    "speaksep plugins list": ["-c", PROGRAM, "plugins", "list"],
}
RUNS = 7


def seconds(words: list[str]) -> float:
    """One run."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, words in CASES.items():
        took = [seconds(words) for _ in range(RUNS)]
        print(f"{name:<28} median {statistics.median(took):.2f} s, worst {max(took):.2f} s of {RUNS}")
