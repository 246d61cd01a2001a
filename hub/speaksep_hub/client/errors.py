"""What the service refuses, as an exception."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from speaksep_kernel.errors import SpeakSepError


class ServiceError(SpeakSepError):
    """The service refused a request, failed at it, or cannot be reached.

    Parameters
    ----------
    error, reason, hint
        As the service said it.
    status
        HTTP status; 0 where there was no answer.
    request_id
        What its logs call the request.
    """

    def __init__(
        self, error: str, *, reason: str = "internal", hint: str = "", status: int = 0, request_id: str = ""
    ) -> None:
        super().__init__(error, reason=reason, hint=hint)
        self.status = status
        self.request_id = request_id

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """2 where the request was at fault, 1 where the service was."""
        return 2 if 400 <= self.status < 500 else 1

    def __reduce__(self) -> tuple[Callable[..., ServiceError], tuple[str]]:
        told = {name: value for name, value in vars(self).items() if name != "error" and name[0] != "_"}
        return partial(type(self), **told), (self.error,)

    @classmethod
    def of(cls, response: httpx.Response) -> ServiceError:
        """The error of an answer, also where a proxy gave it and it has no words of ours."""
        told: dict[str, Any] = {}
        if response.headers.get("content-type", "").startswith("application/json"):
            body = response.json()
            told = body if isinstance(body, dict) else {}
        return cls(
            str(told.get("error") or f"{response.status_code} {response.reason_phrase} from {response.url}"),
            reason=str(told.get("reason") or f"http-{response.status_code}"),
            hint=str(told.get("hint") or ""),
            status=response.status_code,
            request_id=response.headers.get("x-request-id", ""),
        )


class UploadInterrupted(ServiceError):
    """The service went away in the middle of an upload, and stayed away.

    Parameters
    ----------
    error, reason, hint, status, request_id
        As of :class:`ServiceError`.
    address
        Where the upload goes on: give it as ``resume``.
    """

    def __init__(self, error: str, *, address: str = "", **told: Any) -> None:
        super().__init__(error, **told)
        self.address = address


def unreachable(url: str, error: httpx.TransportError) -> ServiceError:
    """Nobody answered."""
    return ServiceError(
        f"no answer from {url}: {type(error).__name__} {error}",
        reason="service-unreachable",
        hint="check the address and that the service runs: its /health answers without a token",
    )
