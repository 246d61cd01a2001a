"""How many people a platform carries: ``python -m tests.load [--people 20] [--seconds 120]``.

Brings one up on this machine, lets people loose on it who sign in, upload, diagnose, separate, follow events, download
and look at dashboards, and prints what came of it. It ends with 1 if a target is missed by the first number of people.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.hub.running import RunningHub, running_hub
from tests.load.figures import Step, write
from tests.load.page import MEASURED, report, with_figures
from tests.load.run import loaded, quiet
from tests.load.scene import furnish
from tests.load.targets import missed

QUIET_S = 20.0


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    options = parsed(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the platform ends with it
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="speaksep-load-") as directory:
        place = Path(directory)
        settings = {"SPEAKSEP_HUB__DASHBOARDS__INTERACTIVE": "[]"}
        with running_hub(place / "hub", f"--workers={options.workers}", **settings) as hub:
            steps = measured(hub, place, options.people, options.seconds, options.sound)
    print(report(steps))
    if options.write:
        write(MEASURED, steps)
        options.write.write_text(with_figures(options.write.read_text(), steps))
    return 1 if missed(steps[0]) else 0


def measured(
    hub: RunningHub,
    place: Path,
    people: Sequence[int],
    seconds: float,
    sound_s: float,
    *,
    quiet_s: float = QUIET_S,
    rounds: int = 0,
) -> list[Step]:
    """One load after the other on a platform; parameters as of `furnish` and `loaded`."""
    scene = furnish(hub, place, max(people), sound_s)
    idle = quiet(hub, quiet_s)
    return [loaded(hub, scene, number, seconds, idle, rounds) for number in people]


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[20], help="at once; more numbers, one after another")
    parser.add_argument("--seconds", type=float, default=120.0, help="for how long, each")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="jobs at a time")
    parser.add_argument("--sound", type=float, default=20.0, help="length of the recordings, in seconds")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="docs/capacity.md: put the figures there")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
