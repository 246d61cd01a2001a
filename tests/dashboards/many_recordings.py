"""Thousands of recordings as the job table has them: rows with measures drawn by chance, and no files behind them."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import bindparam, update

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.states import State
from speaksep_kernel.jobs.tables import jobs
from tests.dashboards.stored_results import OWNER, desk_at

CODES = ("codec", "clipping", "dropouts", "hum", "music", "reverberation", "snr", "wind")
SEVERITIES = {"info": 60, "notice": 25, "warning": 14, "error": 1}
DAYS = 300
NOW_S = 1_780_000_000.0
"""When the last of them was separated: the same in every run."""


def measures(chance: Random, progress: float) -> dict[str, Any]:
    """As of one recording; what comes later is a little better."""
    speakers = chance.choices(range(6), [1, 6, 50, 25, 12, 6])[0]
    snr_db = round(min(max(chance.gauss(22 + 8 * progress, 9), -3), 60), 1)
    severity = chance.choices(list(SEVERITIES), list(SEVERITIES.values()))[0]
    codes = [] if severity == "info" else chance.sample(CODES, chance.randint(1, 3))
    return {
        "name": "",
        "sound_s": round(math.exp(chance.gauss(5, 1.2)), 2),
        "speakers": speakers,
        "speech_ratio": round(chance.betavariate(8, 2), 4) if speakers else 0.0,
        "overlap_ratio": round(chance.betavariate(2, 9), 4) if speakers > 1 else 0.0,
        "confidence": round(chance.betavariate(6, 2), 3) if speakers else None,
        "severity": severity,
        "warnings": len(codes) if severity in ("warning", "error") else 0,
        "findings": codes,
        "mos": round(min(max(1.2 + snr_db / 14 + chance.gauss(0, 0.3), 1), 4.6), 2) if speakers else None,
        "snr_db": snr_db if speakers else None,
        "gain_db": round(chance.gauss(8, 2), 1) if speakers > 1 else None,
        "reverberation_s": round(abs(chance.gauss(0.4, 0.2)), 2),
    }


def many(folder: Path, count: int) -> Path:
    """A folder with a job table in which so many separations of `OWNER` have succeeded, and three jobs have not."""
    folder.mkdir(parents=True, exist_ok=True)
    desk, chance = desk_at(folder), Random(1)
    asked = [
        JobRequest(
            notebook="separate",
            parameters={"source": f"{desk.store.url}/named/interview {number}.wav"},
            output=f"{desk.store.url}/results/{number}",
            owner=OWNER,
            about={"kind": "separation", "circle": OWNER, "parameters": {}, "name": f"interview {number}.wav"},
        )
        for number in range(count)
    ]
    rows = []
    for number, job in enumerate(desk.jobs.submit_many(asked)):
        found, end_s = measures(chance, number / count), NOW_S - 86400 * DAYS * (1 - number / count)
        files = {f"tracks/.speaksep/part{part}": "0" * 64 for part in range(12)}  # as many as a real row has
        result = {"directory": job.output, "files": files, "cached": None, "device": "CPU", "measures": found}
        took_s = found["sound_s"] * chance.uniform(0.2, 0.8)
        rows.append({"job": job.id, "result": result, "started_at": end_s - took_s, "finished_at": end_s})
    # By the table's own methods this takes a minute for five thousand.
    done = update(jobs).where(jobs.c.id == bindparam("job")).values(state=State.SUCCEEDED)
    desk.jobs._transactions.run(lambda connection: connection.execute(done, rows))
    for _ in range(2):
        failed = desk.jobs.submit(JobRequest(notebook="separate", parameters={"source": "x"}, owner=OWNER, priority=9))
        claimed = desk.jobs.claim("a test", lease_s=60)
        assert claimed is not None
        assert claimed.id == failed.id
        desk.jobs.fail(failed.id, 1, {"error": "no file", "reason": "file-not-found", "hint": ""}, again=False)
    desk.jobs.submit(JobRequest(notebook="separate", parameters={"source": "x"}, owner=OWNER))
    desk.close()
    return folder
