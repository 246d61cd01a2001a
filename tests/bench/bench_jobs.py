"""What a job costs beside its work: a trivial notebook three ways, then many separations against bare ones.

``python tests/bench/bench_jobs.py [--recordings 200] [--workers 2] [--folder RECORDINGS] [--executor local]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import nbformat
import psutil
import soundfile as sf
from nbformat.v4 import new_code_cell, new_notebook

SECONDS = 20.0
TRIVIAL = 10
LIMIT_S, LEAST = 0.5, 0.85


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=20, help="how many are separated; 0: only the trivial jobs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--folder", type=Path, help="of recordings, cut to twenty seconds; made conversations without")
    options = parser.parse_args()
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as directory:
        place = Path(directory)
        os.environ["SPEAKSEP_NOTEBOOKS"] = str(place / "notebooks")
        trivial_jobs(place, options)
        if options.recordings:
            separations(place, options)
    return 0


def trivial_jobs(place: Path, options: argparse.Namespace) -> None:
    """Seconds of wall clock per notebook that does nothing, medians."""
    import papermill

    from speaksep_kernel.jobs.queue import JobTable

    notebook = place / "notebooks" / "trivial.ipynb"
    notebook.parent.mkdir()
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [new_code_cell("n: int = 1  # A number", metadata={"tags": ["parameters"]}), new_code_cell("print(n)")]
    metadata = {"kernelspec": spec, "language_info": {"name": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), notebook)
    out = str(place / "out.ipynb")
    command = [sys.executable, "-m", "papermill", str(notebook), out, "-p", "n", "2", "--no-progress-bar"]
    report("papermill's command line", lambda: subprocess.run(command, check=True, capture_output=True), 3)
    report(
        "papermill in process",
        lambda: papermill.execute_notebook(str(notebook), out, parameters={"n": 2}, progress_bar=False),
        TRIVIAL,
    )
    table = JobTable.open(place / "jobs.sqlite3")
    with executor(options, workers=1) as pool:
        warm_up(place, pool, table)
        ours = report(f"our {options.executor} executor", lambda: job(place, pool, table, "trivial", n=2), TRIVIAL)
    print(f"{'':28}at most {LIMIT_S} s: {'yes' if ours <= LIMIT_S else 'NO'}")


def separations(place: Path, options: argparse.Namespace) -> None:
    """Throughput of a batch against the sum of bare separations."""
    from speaksep_kernel.jobs.queue import JobTable

    sources = recordings(place, options)
    bare = bare_seconds(place, sources, options.workers)
    table = JobTable.open(place / "jobs.sqlite3")
    with executor(options, workers=options.workers) as pool:
        warm_up(place, pool, table)
        cpu_s, start_s = busy_s(), time.monotonic()
        waiting = [submit(place, pool, table, "separate", source=str(source)) for source in sources]
        outcomes = [future.result() for future in waiting]
        wall_s, used_s = time.monotonic() - start_s, busy_s() - cpu_s
    assert all(outcome.state == "succeeded" for outcome in outcomes), outcomes
    print(f"{len(sources)} recordings of {SECONDS:.0f} s, {options.workers} workers of one thread, {options.executor}:")
    print(f"  bare separations           {bare['wall_s']:7.1f} s, machine busy {bare['busy_s']:.1f} CPU s")
    print(f"  as jobs                    {wall_s:7.1f} s, machine busy {used_s:.1f} CPU s (of all that runs here)")
    share = bare["wall_s"] / wall_s
    print(f"  throughput                 {share:7.0%}, at least {LEAST:.0%}: {'yes' if share >= LEAST else 'NO'}")


BARE = """
import sys, time
import speaksep_kernel as speaksep
from pathlib import Path
out, warm, *sources = sys.argv[1:]
speaksep.separate(warm, Path(out) / "warm")
print("ready", flush=True)
sys.stdin.readline()
for number, source in enumerate(sources):
    speaksep.separate(source, Path(out) / str(number))
"""


def bare_seconds(place: Path, sources: list[Path], workers: int) -> dict[str, float]:
    """As many processes as workers, each warm and of one thread, share the recordings."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = []
    for number in range(workers):
        out = place / f"bare{number}"
        out.mkdir()
        words = [sys.executable, "-c", BARE, str(out), str(sources[0]), *map(str, sources[number::workers])]
        running.append(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    cpu_s, start_s = busy_s(), time.monotonic()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait() for process in running] == [0] * workers
    return {"wall_s": time.monotonic() - start_s, "busy_s": busy_s() - cpu_s}


def recordings(place: Path, options: argparse.Namespace) -> list[Path]:
    """Twenty seconds each: cut from real ones, or made of the package's own voices."""
    from speaksep_kernel.testing import conversation

    folder = place / "in"
    folder.mkdir()
    if options.folder is None:
        made = []
        for seed in range(options.recordings):
            talk = conversation(SECONDS, speakers=2 + seed % 2, overlap=0.2, seed=seed)
            made.append(folder / f"talk{seed}.wav")
            sf.write(made[-1], talk.audio, talk.rate_hz)
        return made
    cut: list[Path] = []
    for source in sorted(options.folder.rglob("*")):
        if source.suffix.lower() not in (".wav", ".flac"):
            continue
        with sf.SoundFile(source) as sound:
            length = int(SECONDS * sound.samplerate)
            while len(cut) < options.recordings and sound.frames - sound.tell() >= length:
                cut.append(folder / f"cut{len(cut)}.wav")
                sf.write(cut[-1], sound.read(length), sound.samplerate)
    return cut


def executor(options: argparse.Namespace, workers: int) -> Any:
    from speaksep_kernel import plugins

    return plugins.create("executor", options.executor, workers=workers).open()


def submit(place: Path, pool: Executor, table: Any, notebook: str, **parameters: Any) -> Any:
    """A job in the table, claimed, and given to a worker."""
    from speaksep_kernel.jobs.job import JobRequest
    from speaksep_kernel.jobs.runner import run
    from speaksep_kernel.jobs.ticket import Ticket

    place = Path(tempfile.mkdtemp(dir=place))
    table.submit(JobRequest(notebook=notebook, parameters=parameters, output=str(place / "job")))
    claimed = table.claim("bench", lease_s=3600.0)
    return pool.submit(
        run,
        Ticket(claimed.id, claimed.attempt, notebook, parameters, claimed.output, table=table.url, cache=False),
    )


def job(place: Path, pool: Executor, table: Any, notebook: str, **parameters: Any) -> None:
    outcome = submit(place, pool, table, notebook, **parameters).result()
    assert outcome.state == "succeeded", outcome


def warm_up(place: Path, pool: Executor, table: Any) -> None:
    """Every worker has imported what it needs, and the server that hands out kernels is ready."""
    from speaksep_kernel.errors import SpeakSepError
    from speaksep_kernel.kernel import forkserver

    try:
        forkserver.warm()
    except SpeakSepError as why:
        print(f"kernels are started plainly: {why}")
    for future in [submit(place, pool, table, "trivial", n=2) for _ in range(8)]:
        future.result()


def busy_s() -> float:
    """CPU seconds that the machine has spent on anything."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


def report(what: str, call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start_s = time.monotonic()
        call()
        taken.append(time.monotonic() - start_s)
    median_s = statistics.median(taken)
    print(f"{what:28}{median_s:6.2f} s a notebook, median of {times}", flush=True)
    return median_s


if __name__ == "__main__":
    sys.exit(main())
