"""``python -m speaksep_hub.interactive.voila``: the service that the hub, or whoever starts its parts, runs."""

from __future__ import annotations

import sys

from speaksep_hub.settings import load
from speaksep_kernel.errors import SpeakSepError

if __name__ == "__main__":
    from speaksep_hub.interactive.voila.server import run

    try:
        run(load())
    except SpeakSepError as error:
        sys.exit(f"speaksep voila: {error}")
