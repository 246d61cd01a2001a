"""Feed broken audio files to the decoders, each in a process of its own, and count what happens.

    python tests/bench/fuzz_recording.py [--count 1000] [--seed 1]

Every file must end in a valid recording or a SpeakSepError, within the time limit and with nothing on stderr.
Exit status 1 and the offending files in --keep otherwise.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing.audio_files import FORMATS, encode, mutants

LIMIT_S = 20


def read(path: Path) -> str:
    """What became of one file, in a word."""
    try:
        recording = Recording.open(path)
        with AnalysisCache(recording) as cache:
            frames = sum(map(len, recording.blocks(1.0)))
            assert frames == recording.frames == len(cache.read())
    except SpeakSepError as error:
        if "\n" in str(error) or not error.hint:
            raise
        return error.reason
    return "valid"


def read_apart(path: Path, log: Path) -> str:
    """`read` in a forked process: a crash or a hang of a decoder is an outcome too, and so is chatter on stderr."""
    child = os.fork()
    if child == 0:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        outcome = Path(f"{log}.outcome")
        try:
            outcome.write_text(read(path))
        except BaseException as error:
            outcome.write_text(f"{type(error).__name__}: {error}")
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + LIMIT_S
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "HANG"
        time.sleep(0.001)
    if os.WIFSIGNALED(status):
        return f"CRASH {signal.Signals(os.WTERMSIG(status)).name}"
    outcome = Path(f"{log}.outcome").read_text()
    if status:
        return f"TRACEBACK {outcome}"
    chatter = log.read_text(errors="replace").strip()
    return f"CHATTER {chatter.splitlines()[0]}" if chatter else outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "speaksep-fuzz")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(16000) / 16000
    tone = (0.3 * np.sin(2 * np.pi * np.outer(time_s, [220, 330]))).astype(np.float32)
    bad, slowest_s = 0, 0.0
    with tempfile.TemporaryDirectory() as directory:
        path, log = Path(directory) / "mutant", Path(directory) / "log"
        for index, format in enumerate(FORMATS):
            outcomes: Counter[str] = Counter()
            count = (options.count + index) // len(FORMATS)
            for number, mutant in enumerate(mutants(encode(tone, 16000, format), count, options.seed * 100 + index)):
                path.write_bytes(mutant)
                begin = time.monotonic()
                outcome = read_apart(path, log)
                slowest_s = max(slowest_s, time.monotonic() - begin)
                outcomes[outcome] += 1
                if outcome.split()[0].isupper():
                    bad += 1
                    (options.keep / f"{format}-{options.seed}-{number}").write_bytes(mutant)
            print(format, count, dict(outcomes.most_common()), flush=True)
    print(f"{bad} bad outcomes, slowest {slowest_s:.2f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
