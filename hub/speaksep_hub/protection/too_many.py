"""The refusal of somebody who asks for too much, with the time to come back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from speaksep_kernel.errors import CapacityError


class TooMany(CapacityError):
    """More than is allowed, for now.

    Parameters
    ----------
    error, reason, hint
        As of every error.
    retry_after_s
        Seconds after which it may be tried again.
    headers
        Further headers of the answer.
    """

    status: ClassVar[int] = 429

    def __init__(
        self,
        error: str,
        *,
        reason: str = "too-many-requests",
        hint: str = "",
        retry_after_s: float = 1.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error, reason=reason, hint=hint)
        self.headers = {**(headers or {}), "Retry-After": str(max(1, math.ceil(retry_after_s)))}
