"""Make the sample recording again: ``python -m speaksep_kernel.testing.make_sample [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile

from speaksep_kernel.testing import conversation, sample_recording


def make(folder: Path) -> None:
    """Write ``conversation.flac`` and ``conversation.rttm``: a minute of three people, 17 % of it overlapped."""
    talk = conversation(60, 3, 0.17, 5, noise_dbfs=-58, voices=("allison", "librivox", "carlo"))
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "conversation.flac", talk.audio, talk.rate_hz, subtype="PCM_16")
    (folder / "conversation.rttm").write_text(talk.rttm(), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else sample_recording().parent)
