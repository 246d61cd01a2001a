"""The files that pages speak of, made once: recordings, a separation, a batch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

RECORDINGS = """
from pathlib import Path
import soundfile as sf
from speaksep_kernel.testing import conversation

def write(name, *arguments, **choices):
    Path(name).parent.mkdir(exist_ok=True)
    sf.write(name, conversation(*arguments, **choices).audio, 16000)

for name in ("meeting.wav", "meeting.mp3"):
    write(name, SECONDS, 3, 0.2, 5)
write("talk.wav", 3.0, 2, 0.3, 3)
write("recordings/monday.wav", 3.0, 2, 0.2, 1)
for number, name in enumerate(("ada", "ada1", "ada2")):
    write(f"{name}.wav", 6.0, 1, seed=number, voices=("june",))
"""
RESULTS = """
speaksep separate meeting.wav -o tracks --speakers 3
speaksep batch separate recordings -o batch --no-summary
"""


def make_desk(folder: Path, programs: Path, *, results: bool = True) -> Path:
    """Make it.

    Parameters
    ----------
    folder
        A new folder.
    programs
        As of ``warm_programs``.
    results
        Whether there are a separation and a batch, too.
    """
    folder.mkdir()
    home = folder.with_name(f"{folder.name}-home")
    home.mkdir()
    environment = os.environ | {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
    made = RECORDINGS.replace("SECONDS", "9.0" if results else "6.0")
    script = f"python - <<'PY'\n{made}PY\n{RESULTS * results}"
    subprocess.run(["bash", "-euc", script], cwd=folder, env=environment, check=True, capture_output=True)
    return folder
