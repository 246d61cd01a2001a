"""``python -m speaksep_hub.lab.clerk ROOT``: answers on its output what comes on its input, until that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from speaksep_hub.lab.clerk.answering import serve


def main() -> None:
    """Serve the Jupyter server that started this."""
    # What a library prints must not come between two answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(Path(sys.argv[1]), sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
