"""The ``speaksep`` program: one file per group of verbs, none with audio logic of its own."""

from speaksep_kernel.cli.app import main

__all__ = ["main"]
