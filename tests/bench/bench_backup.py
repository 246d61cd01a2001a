"""What backups cost: their size, the time to make one while jobs run, the next one, and the time to restore.

``python -m tests.bench.bench_backup [--recordings 20] [--seconds 20]``. Everything is real: ``speaksep hub up``, a
worker that separates, ``speaksep backup`` as one calls it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import soundfile as sf

from speaksep_hub.client import Client
from speaksep_kernel.testing import conversation
from tests.hub.running import RunningHub, running_hub


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=20, help="as many jobs run")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each recording")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="speaksep-bench-") as directory:
        place = Path(directory)
        (place / "key").write_text("a key for measuring\n")
        with running_hub(place / "hub", "--workers=2") as hub:
            with closing(hub.sign_in("rosa", "researcher")) as browser:
                token = hub.token(browser, "rosa")
            with Client(f"{hub.url}services/speaksep", token) as client:
                jobs = []
                for number in range(options.recordings):
                    made = conversation(options.seconds, speakers=2, overlap=0.2, seed=number)
                    path = place / f"{number}.wav"
                    sf.write(path, made.audio, made.rate_hz)
                    jobs.append(client.recordings.separate(client.recordings.upload(path), speakers=2))
                while sum(client.jobs.get(job)["state"] == "succeeded" for job in jobs) < 2:
                    time.sleep(0.5)
                states = [client.jobs.get(job)["state"] for job in jobs]
                told(
                    "made while jobs run",
                    hub,
                    place,
                    "create",
                    beside=f"{states.count('succeeded')} of {len(jobs)} done",
                )
                for job in jobs:
                    client.jobs.wait(job)
                told("when all are done", hub, place, "create")
                told("nothing new", hub, place, "create")
                told("every byte read", hub, place, "verify")
        again = RunningHub(place / "again")
        told("restored, on an empty disk", again, place, "restore")
    return 0


def told(what: str, hub: RunningHub, place: Path, verb: str, beside: str = "") -> None:
    """Run a verb and print what it took."""
    folder = ("--folder", str(hub.folder)) if verb != "verify" else ()
    words = ("backup", verb, "--at", str(place / "backups"), "--key-file", str(place / "key"), *folder, "--json")
    command = [sys.executable, "-m", "speaksep_kernel.cli", *words]
    begun_s = time.monotonic()
    done = subprocess.run(command, env=hub.environment, capture_output=True, text=True, check=False)
    took_s = time.monotonic() - begun_s
    assert done.returncode == 0, done.stderr + done.stdout
    said: dict[str, Any] = json.loads(done.stdout)
    about = said.get("backup", said)
    new = f", {about['new_files']} new ({about['new_bytes'] / 1e6:.1f} MB)" if "new_files" in about else ""
    extra = f" ({beside})" if beside else ""
    print(f"{what}{extra}: {about['files']} files, {about['bytes'] / 1e6:.1f} MB{new}, {took_s:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
