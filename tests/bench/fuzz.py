"""Feed broken audio files to the decoders or to the whole program, each in a process of its own, and count outcomes.

    python tests/bench/fuzz.py [--program] [--count 1000] [--seed 1]

Decoders: every file ends in a valid recording or a SpeakSepError, within the time limit and with nothing on stderr.
Program (``speaksep separate``): exit 0 with a result, or exit 2 with one line on stderr and no output directory.
Exit status 1 and the offending files in --keep otherwise.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from speaksep_kernel.cli import main as program
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.recording import AnalysisCache, Recording
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.audio_files import FORMATS, encode, mutants

LIMIT_S = 20
PROGRAM_LIMIT_S = 120
RATE_HZ = 16000
PROGRESS = re.compile(r"[a-z]+ [0-9.]+")


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


def separate(path: Path) -> str:
    """What the program made of one file, in a word; a line on stderr is what it owes for bad input."""
    out = path.with_name("out")
    shutil.rmtree(out, ignore_errors=True)
    log = path.with_name("stderr")
    with log.open("wb") as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        code = program(["separate", str(path), "-o", str(out), "--format", "wav"])
        os.dup2(kept, 2)
    said = log.read_text(errors="replace")
    whole = (out / "manifest.json").is_file()
    if code == 0 and whole and "Traceback" not in said:
        return "separated"
    refused = code == 2 and not out.exists() and not list(path.parent.glob(".out*"))
    *progress, error = said.splitlines() or [""]  # a slow machine is told how far it is
    if refused and error.startswith("speaksep: ") and all(PROGRESS.match(line) for line in progress):
        return "refused"
    raise AssertionError(f"exit {code}, manifest {whole}, stderr {said!r}")


def apart(act: Callable[[Path], str], path: Path, log: Path, limit_s: float) -> str:
    """``act(path)`` in a forked process: a crash or a hang is an outcome too, and so is chatter on stderr."""
    child = os.fork()
    if child == 0:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        outcome = Path(f"{log}.outcome")
        try:
            outcome.write_text(act(path))
        except BaseException as error:
            outcome.write_text(f"{type(error).__name__}: {error}")
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + limit_s
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
    parser.add_argument("--program", action="store_true", help="the whole of speaksep separate, not only decoding")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "speaksep-fuzz")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    if options.program:
        import torch  # noqa: F401  # once, before the forks

        audio = conversation(4, speakers=2, overlap=0.4, seed=1).audio
    else:
        audio = np.sin(2 * np.pi * np.outer(np.arange(RATE_HZ) / RATE_HZ, [220, 330])).astype(np.float32) * 0.3
    act, limit_s = (separate, PROGRAM_LIMIT_S) if options.program else (read, LIMIT_S)
    bad, slowest_s = 0, 0.0
    with tempfile.TemporaryDirectory() as directory:
        path, log = Path(directory) / "mutant", Path(directory) / "log"
        for index, format in enumerate(FORMATS):
            outcomes: Counter[str] = Counter()
            count = (options.count + index) // len(FORMATS)
            for number, mutant in enumerate(mutants(encode(audio, RATE_HZ, format), count, options.seed * 100 + index)):
                path.write_bytes(mutant)
                begin = time.monotonic()
                outcome = apart(act, path, log, limit_s)
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
