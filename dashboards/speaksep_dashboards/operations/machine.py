"""What the machine has: GPUs and who leases them, room for results."""

from __future__ import annotations

from typing import Any

from speaksep_dashboards.desk import Desk
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.kernel.occupancy import Occupancy, occupancy


def gpus() -> dict[str, Any]:
    """GPUs of this machine: ``devices``, each with its slots; ``waiting`` for one; ``word``, why there is none."""
    try:
        there = occupancy()
    except (SpeakSepError, OSError) as error:
        return {"devices": [], "waiting": [], "word": str(error)}
    return told(there)


def told(there: Occupancy) -> dict[str, Any]:
    """Leases, JSON-ready."""
    return {
        "devices": [
            {
                "name": f"{use.device.index}: {use.device.name}",
                "free_bytes": use.device.free_bytes,
                "total_bytes": use.device.total_bytes,
                "slots": [holder.describe() if holder else None for holder in use.holders],
                "refusal": use.device.refusal,
            }
            for use in there.devices
        ],
        "waiting": [holder.describe() for holder in there.waiting],
        "word": there.problem,
    }


def disk(desk: Desk) -> dict[str, Any]:
    """Room that is left for results, where that is known, and what recordings take."""
    kept = [desk.catalogue.usage(owner) for owner in desk.catalogue.owners()]
    return {
        "free_bytes": desk.store.free_bytes(),
        "recordings": sum(each.recordings for each in kept),
        "recordings_bytes": sum(each.bytes for each in kept),
        "announced_bytes": sum(each.announced_bytes for each in kept),
    }
