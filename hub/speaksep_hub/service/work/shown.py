"""Examples and headers that several routes share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Request, Response

from speaksep_hub.service.work.orders import LONGEST_KEY

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="Sent again with the same key, the request creates nothing new and has the same answer.",
    ),
]
"""Type of a route's parameter for whoever may have to send a request twice."""

DIAGNOSIS: dict[str, Any] = {
    "application/json": {
        "example": {
            "recording": {"name": "meeting.m4a", "seconds": 61.2, "rate_hz": 48000, "channels": 2},
            "speakers": 2,
            "speaker_confidence": 0.93,
            "speech_ratio": 0.81,
            "overlap_ratio": 0.12,
            "findings": [
                {"code": "hum", "value": 50.0, "unit": "Hz", "severity": "warning", "why": "…", "advice": "…"}
            ],
            "turns": [{"start_s": 0.4, "end_s": 3.1, "speaker": 1, "confidence": 0.97, "overlapped": False}],
        }
    }
}


def pointing_to(response: Response, request: Request, route: str, **parts: str) -> None:
    """Tell where what was created is, as a path of this address."""
    response.headers["Location"] = request.url_for(route, **parts).path


def own_key(key: str | None) -> str | None:
    """A key that somebody sent, apart from those that the service makes."""
    return None if key is None else f"http/{key}"
