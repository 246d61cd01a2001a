"""Diarization error rate over a folder of recordings with RTTM, beside senko's own pipeline in the same run.

No collar, overlap scored, whole recording scored. A call with RTTM travels inside the pyannote.audio wheel; it is
fetched with pip unless ``--call`` names it or ``--no-call`` leaves it out.

usage: python tests/bench/bench_der.py MEETINGS_DIR [--call DIR] [--no-call] [--no-senko] [--max-percent 38]

MEETINGS_DIR holds audio files and one or more .rttm files; a line's URI is the file's stem, or how it ends
(``trn00`` for ``ami_trn00.flac``). "Heard" are people of the reference to whom most of at least one local stream of the
segmentation belongs: others can be found by no clustering.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.recording.cache import AnalysisCache
from speaksep_kernel.recording.recording import Recording
from speaksep_kernel.voices.diarization import diarize
from speaksep_kernel.voices.rttm import parse_rttm
from speaksep_kernel.voices.segmentation import segment
from speaksep_kernel.voices.streams import FRAME_S
from speaksep_kernel.voices.turns import Turn

Turns = tuple[Turn, ...]
AUDIO = {".flac", ".wav", ".ogg", ".opus", ".mp3"}
COUNTS = ("total", "missed detection", "false alarm", "confusion")


def pairs(folder: Path) -> list[tuple[Path, Turns]]:
    """Audio files of ``folder`` that its RTTM files know, with their reference turns."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.rttm")))
    uris = sorted({line.split()[1] for line in text.splitlines() if line.startswith("SPEAKER")})
    audio = sorted(path for path in folder.iterdir() if path.suffix in AUDIO)
    return [(path, parse_rttm(text, uri)[0]) for path in audio for uri in uris if path.stem.endswith(uri)]


def sample_call(folder: str) -> Path:
    """Fetch the pyannote.audio wheel by pip into ``folder`` and unpack its sample call."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "pyannote.audio"]
    subprocess.run(pip, check=True)
    with zipfile.ZipFile(next(Path(folder).glob("pyannote*.whl"))) as wheel:
        members = [name for name in wheel.namelist() if name.startswith("pyannote/audio/sample/sample.")]
        wheel.extractall(folder, members)
    return Path(folder) / "pyannote" / "audio" / "sample"


def ours(samples: NDArray[np.float32]) -> Turns:
    with AnalysisCache(Recording.open((samples, 16000))) as cache:
        return diarize(cache).turns


def senko_pipeline() -> Callable[[NDArray[np.float32]], Turns]:
    from senko import Diarizer

    pipeline = Diarizer(device="cpu", warmup=False, quiet=True)

    def run(samples: NDArray[np.float32]) -> Turns:
        found = pipeline.diarize_samples(samples)
        names: dict[str, int] = {}
        return tuple(
            Turn(row["start"], row["end"], names.setdefault(row["speaker"], len(names) + 1))
            for row in (found["merged_segments"] if found else [])
        )

    return run


def errors(reference: Turns, found: Turns, seconds: float) -> NDArray[np.float64]:
    """Seconds of reference speech, missed, false and confused."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    def annotation(turns: Turns) -> Annotation:
        made = Annotation()
        for number, turn in enumerate(turns):
            made[Segment(turn.start_s, turn.end_s), number] = turn.speaker
        return made

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    scored = Timeline([Segment(0, seconds)])
    detail = metric(annotation(reference), annotation(found), uem=scored, detailed=True)
    return np.array([detail[name] for name in COUNTS])


def people(turns: Turns) -> int:
    return len({turn.speaker for turn in turns})


def heard(reference: Turns, samples: NDArray[np.float32]) -> int:
    """People to whom most of the speech of at least one local stream belongs."""
    with AnalysisCache(Recording.open((samples, 16000))) as cache:
        streams = segment(cache)
    frames = streams.window_start.max(initial=0) + streams.window_frames
    names = sorted({turn.speaker for turn in reference})
    speaking = np.zeros((len(names), frames), bool)
    for turn in reference:
        speaking[names.index(turn.speaker), round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)] = True
    owners = set()
    for window, activity in zip(streams.window, streams.activity > 127, strict=True):
        start = streams.window_start[window]
        shared = (speaking[:, start : start + len(activity)] & activity).sum(1)
        owners |= {int(shared.argmax())} if 2 * shared.max() > activity.sum() else set()
    return len(owners)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("meetings", type=Path, nargs="+")
    options.add_argument("--call", type=Path)
    options.add_argument("--no-call", action="store_true")
    options.add_argument("--no-senko", action="store_true")
    options.add_argument("--max-percent", type=float, help="exit 1 if our total is above it")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        calls = [] if chosen.no_call else [chosen.call or sample_call(folder)]
        items = [item for place in [*chosen.meetings, *calls] for item in pairs(place)]
        return report(items, chosen.max_percent, with_senko=not chosen.no_senko)


def report(items: list[tuple[Path, Turns]], max_percent: float | None, *, with_senko: bool) -> int:
    systems = {"speaksep": ours} | ({"senko": senko_pipeline()} if with_senko else {})
    totals = {name: np.zeros(len(COUNTS)) for name in systems}
    spent_s = dict.fromkeys(systems, 0.0)
    right = dict.fromkeys(systems, 0)
    heard_s, countable = 0.0, 0
    print(
        "recording        people heard " + "".join(f"| {name:>8}: found  miss    fa  conf    DER " for name in systems)
    )
    for path, reference in items:
        with AnalysisCache(Recording.open(path)) as cache:
            samples = cache.read16k()
        heard_s += len(samples) / 16000
        cells = []
        for name, run in systems.items():
            began = time.perf_counter()
            found = run(samples)
            spent_s[name] += time.perf_counter() - began
            counts = errors(reference, found, len(samples) / 16000)
            totals[name] += counts
            right[name] += people(found) == people(reference)
            cells.append(f"| {'':>8}  {people(found):5d} {_percent(counts)}")
        audible = heard(reference, samples)
        countable += audible == people(reference)
        print(f"{path.stem:16} {people(reference):6d} {audible:5d} " + " ".join(cells), flush=True)
    print(f"{'total':16} {'':6} {countable:2d}/{len(items):2d} " + " ".join(f"| {'':>8}  {right[name]:2d}/{len(items):2d} {_percent(totals[name])}" for name in systems))  # fmt: skip  # noqa: E501
    print("real-time factor " + ", ".join(f"{name} {spent_s[name] / heard_s:.3f}" for name in systems))
    total = 100 * totals["speaksep"][1:].sum() / totals["speaksep"][0]
    return int(max_percent is not None and total > max_percent)


def _percent(counts: NDArray[np.float64]) -> str:
    miss, false, confused = 100 * counts[1:] / max(counts[0], 1e-9)
    return f"{miss:5.1f} {false:5.1f} {confused:5.1f}  {miss + false + confused:5.1f}"


if __name__ == "__main__":
    sys.exit(main())
