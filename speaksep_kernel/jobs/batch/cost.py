"""What a batch should take, before it runs: bounds, since nobody has listened yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from speaksep_kernel.diagnosis.cost import DIAGNOSE_RTF, START_S, VOICES_RTF, bounds_seconds
from speaksep_kernel.diagnosis.plan import HOP_S

CORES = 2
"""What one job was measured on."""
HOP = HOP_S["balanced"]


@dataclass(frozen=True)
class Cost:
    """Predicted cost of a batch on CPUs.

    Attributes
    ----------
    jobs
        How many.
    sound_s
        Length of all recordings whose length is known.
    unknown
        How many jobs nothing is predicted for: URLs, folders, notebooks without a model.
    least_s, most_s
        Predicted time until the others are done, with these workers.
    """

    jobs: int
    sound_s: float
    unknown: int
    least_s: float
    most_s: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def predict(lengths_s: Iterable[float | None], *, verb: str, workers: int, cores: int) -> Cost:
    """Predict the cost of a batch.

    Parameters
    ----------
    lengths_s
        Length of every job's recording; ``None`` where it is unknown.
    verb
        "separate" or "diagnose"; nothing is predicted for anything else.
    workers
        Jobs at a time.
    cores
        CPU cores they share.

    Examples
    --------
    >>> predict([60, 60, None], verb="separate", workers=2, cores=2)
    Cost(jobs=3, sound_s=120.0, unknown=1, least_s=18.4, most_s=33.0)
    """
    lengths = list(lengths_s)
    known = [length for length in lengths if length is not None]
    bounds = [_seconds(length, verb) for length in known] if verb in ("separate", "diagnose") else []
    # Jobs that share cores slow each other down: what counts is how often the measured two are there.
    at_once = max(1.0, min(workers, cores / CORES))
    least, most = (sum(column) / at_once for column in zip(*bounds, strict=True)) if bounds else (0.0, 0.0)
    return Cost(len(lengths), round(float(sum(known)), 1), len(lengths) - len(bounds), round(least, 1), round(most, 1))


def _seconds(length_s: float, verb: str) -> tuple[float, float]:
    if verb == "separate":
        return bounds_seconds(length_s, hop_s=HOP, device="cpu")
    seconds = START_S["cpu"] + (VOICES_RTF + DIAGNOSE_RTF) * length_s
    return seconds, seconds
