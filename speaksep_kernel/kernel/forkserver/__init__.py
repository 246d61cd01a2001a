"""Kernels that start at once: a process of the user's own has everything imported and forks them."""

from speaksep_kernel.kernel.forkserver.client import ForkedKernel, ForkUnavailable, start, warm

__all__ = ["ForkUnavailable", "ForkedKernel", "start", "warm"]
