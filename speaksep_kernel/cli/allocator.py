"""Memory of the program: one heap for all threads."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8  # <malloc.h>


def use_one_heap() -> None:
    """Tell glibc to keep one heap instead of one per thread; elsewhere nothing happens.

    Each stage runs on threads of its own, and what one of them frees stays with its heap: a five-minute recording
    peaked at 938 MB with a heap per thread and at 755 MB with one, and was no slower.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)
