"""What a contender costs: real-time factor and memory on a number of cores, measured in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

SECONDS = 60.0
"""Length of the speech that is separated, in windows of `WINDOW_S`."""
WINDOW_S = 10.0


@dataclass(frozen=True)
class Cost:
    """What was measured.

    Attributes
    ----------
    rtf, cpu_rtf
        Time spent over the length of the speech, by the clock and on processors. On a machine that has other work
        to do only the second means much.
    peak_bytes
        Peak resident memory, torch included.
    """

    rtf: float
    cpu_rtf: float
    peak_bytes: int


def cost(name: str, cores: int) -> Cost:
    """Measure a contender by name; its process may use ``cores`` cores."""
    command = [sys.executable, "-m", "speaksep_kernel.training.cost", name, str(cores)]
    environment = os.environ | {"OMP_NUM_THREADS": str(cores)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _measure(name: str, cores: int) -> Cost:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    import numpy as np
    import torch

    from speaksep_kernel.testing import voices
    from speaksep_kernel.training.contenders import CONTENDERS
    from speaksep_kernel.voices.streams import RATE_HZ

    torch.set_num_threads(cores)
    speech = np.concatenate([utterance for several in voices().values() for utterance in several])
    windows = np.resize(speech, (round(SECONDS / WINDOW_S), round(WINDOW_S * RATE_HZ)))
    contender = CONTENDERS[name]()
    enrolment = [speech[: 4 * RATE_HZ]]
    contender.separate(windows[:1], enrolment)  # the first call loads and allocates
    begun, cpu_begun = time.perf_counter(), time.process_time()
    contender.separate(windows, enrolment)
    spent_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_begun
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Cost(spent_s / SECONDS, cpu_s / SECONDS, peak_bytes)


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))))
