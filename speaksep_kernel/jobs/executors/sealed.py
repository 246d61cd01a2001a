"""Work and results on their way through a broker: pickled, and signed with a key that both sides have.

Whoever can write to the broker could otherwise run anything on the workers, since reading a pickle runs code.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
from typing import Any

from speaksep_kernel.errors import InputError, JobError

KEY = "SPEAKSEP_CELERY_KEY"
"""Environment variable, the same on both sides: any text that nobody can guess."""
SHORTEST = 16


def check_key() -> None:
    """Refuse to begin without a key.

    Raises
    ------
    InputError
        Reason ``no-key``.
    """
    if len(os.environ.get(KEY, "")) < SHORTEST:
        raise InputError(
            f"{KEY} is not set, or has less than {SHORTEST} characters",
            reason="no-key",
            hint="set it to the same secret where jobs are submitted and where they run: openssl rand -hex 32",
        )


def seal(value: Any) -> bytes:
    """Pickle and sign.

    Raises
    ------
    InputError
        Reason ``no-key``.
    """
    body = pickle.dumps(value)
    return _signature(body) + body


def unseal(data: bytes) -> Any:
    """What was sealed with the same key.

    Raises
    ------
    JobError
        Reason ``bad-signature``: it was not, and nothing of it was read.
    InputError
        Reason ``no-key``.
    """
    signature, body = data[:32], data[32:]
    if not hmac.compare_digest(signature, _signature(body)):
        raise JobError(
            f"a message of {len(data)} bytes was not signed with our key",
            reason="bad-signature",
            hint=f"is {KEY} the same everywhere, and does nobody else write to this broker?",
        )
    return pickle.loads(body)


def _signature(body: bytes) -> bytes:
    check_key()
    return hmac.digest(os.environ[KEY].encode(), body, hashlib.sha256)
