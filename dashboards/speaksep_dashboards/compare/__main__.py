"""Scores of two separations, in a process of their own: pages stay quick, and the service that serves them small.

One line of JSON comes in (``takes``, ``truth``: places), one goes out: the scores, or an error as of every surface.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from speaksep_dashboards.compare.matching import matched
from speaksep_dashboards.compare.scores import scores
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.values import Separation

POLITE = 10
"""Of `os.nice`: whoever looks at pages comes first."""


def main() -> int:
    """Measure."""
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_whoever_asked, daemon=True).start()
    os.nice(POLITE)
    try:
        a, b = (Separation.open(place) for place in asked["takes"])
        print(json.dumps(scores(a, b, matched(a.turns, b.turns), [Recording.open(place) for place in asked["truth"]])))
    except SpeakSepError as error:
        print(json.dumps(error.to_dict()))
        return error.exit_code
    return 0


def _end_with_whoever_asked() -> None:
    sys.stdin.read()  # until the other end is closed, or dies
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
