"""What the program prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from speaksep_kernel.errors import SpeakSepError


def keep_stdout_for_results() -> None:
    """What libraries print from C, and other processes, goes to stderr from now on: stdout holds the result alone."""
    stdout = sys.stdout
    stdout.flush()
    kept = os.dup(stdout.fileno())
    os.dup2(sys.stderr.fileno(), stdout.fileno())
    sys.stdout = os.fdopen(kept, "w", encoding=stdout.encoding, errors=stdout.errors)


def print_json(value: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def report_error(error: SpeakSepError, *, as_json: bool) -> None:
    """One line on stderr; with ``--json`` the shared error shape on stdout as well."""
    print(f"speaksep: {error}", file=sys.stderr)
    if as_json:
        print_json(error.to_dict())


def clock(seconds: float) -> str:
    """Seconds as people write them.

    >>> clock(7.25), clock(75), clock(3725)
    ('0:07', '1:15', '1:02:05')
    """
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
