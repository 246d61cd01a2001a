"""``python -m speaksep_kernel.recording.inspector``: one order in, one answer out."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Read an order from stdin, look into the file, and say what it is on stdout."""
    order: dict[str, Any] = json.load(sys.stdin)
    bounds = order["bounds"]
    resource.setrlimit(resource.RLIMIT_AS, (bounds["memory_bytes"], bounds["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["cpu_s"], bounds["cpu_s"] + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    from speaksep_kernel.errors import SpeakSepError
    from speaksep_kernel.recording.limits import Limits
    from speaksep_kernel.recording.probe import probe
    from speaksep_kernel.recording.source import open_path

    name, limits = order["name"], Limits(**order["limits"])
    try:
        file = open_path(Path(order["path"]), name, limits)
        found = probe(file.path, name, limits)
        told = {
            "seconds": found.frames / found.rate_hz,
            "rate_hz": found.rate_hz,
            "channels": found.channels,
            "format": found.format,
        }
    except SpeakSepError as error:
        told = error.to_dict() | {"kind": type(error).__name__}
    except MemoryError:
        told = {
            "kind": "CapacityError", "reason": "too-costly", "hint": "convert it to wav or flac",
            "error": f"{name}: looking into it takes more than {bounds['memory_bytes'] / 1e9:.0f} GB of memory",
        }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main()
